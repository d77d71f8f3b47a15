-- Counters and lanes that drift: what the nights showed, what is proposed, and who applied it. What came stays as it came.

-- The quietest moment of a night, by what was then counted: of the counter of `zone` ('' = the whole car park), or of the
-- lanes. `sensed` is what the sensors of the same place said at that moment, where they know (nearly) all of it.
CREATE TABLE occupancy.drift_night (
    car_park  text        NOT NULL,
    measure   text        NOT NULL CONSTRAINT drift_night_measure_known CHECK (measure IN ('counts', 'passages')),
    zone      text        NOT NULL,
    night     date        NOT NULL, -- by the car park's own calendar
    at        timestamptz NOT NULL,
    counted   integer     NOT NULL, -- with the corrections in force; of lanes it may be negative
    sensed    integer,
    capacity  integer     NOT NULL,
    entered   bigint,
    left_     bigint,
    looks     integer     NOT NULL,
    CONSTRAINT drift_night_key PRIMARY KEY (car_park, measure, zone, night)
);

CREATE TABLE occupancy.drift_proposal (
    id             text        CONSTRAINT drift_proposal_key PRIMARY KEY,
    car_park       text        NOT NULL,
    measure        text        NOT NULL CONSTRAINT drift_proposal_measure_known CHECK (measure IN ('counts', 'passages')),
    zone           text        NOT NULL,
    correction     integer     NOT NULL CONSTRAINT drift_proposal_corrects CHECK (correction <> 0),
    basis          text        NOT NULL
        CONSTRAINT drift_proposal_basis_known CHECK (basis IN ('sensors', 'night_minimum', 'below_zero')),
    evidence       jsonb       NOT NULL,
    state          text        NOT NULL CONSTRAINT drift_proposal_state_known
        CHECK (state IN ('proposed', 'superseded', 'applied', 'dismissed', 'undone')),
    proposed_at    timestamptz NOT NULL,
    decided_at     timestamptz,
    decided_by     text,
    reason         text,
    effective_from timestamptz, -- in the time of the counter: its words from then on are corrected
    undone_at      timestamptz,
    undone_by      text,
    undone_reason  text,
    CONSTRAINT drift_proposal_decided CHECK (
        (state IN ('applied', 'dismissed', 'undone')) = (decided_at IS NOT NULL AND decided_by IS NOT NULL AND reason IS NOT NULL)),
    CONSTRAINT drift_proposal_effective CHECK ((state IN ('applied', 'undone')) = (effective_from IS NOT NULL)),
    CONSTRAINT drift_proposal_undone CHECK (
        (state = 'undone') = (undone_at IS NOT NULL AND undone_by IS NOT NULL AND undone_reason IS NOT NULL))
);
-- One question at a time for each counter.
CREATE UNIQUE INDEX drift_proposal_open ON occupancy.drift_proposal (car_park, measure, zone) WHERE state = 'proposed';
-- What recording asks for.
CREATE INDEX drift_proposal_applied ON occupancy.drift_proposal (car_park) WHERE state = 'applied';
CREATE INDEX drift_proposal_car_park ON occupancy.drift_proposal (car_park, id DESC);
