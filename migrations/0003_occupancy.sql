-- The one truth per space and car park, and how it came about.
CREATE SCHEMA occupancy;

-- What a space is, by its newest event in the order (at, epoch, seq, state). Only the key is indexed: updates stay HOT.
CREATE TABLE occupancy.space_state (
    space       integer     CONSTRAINT space_state_key PRIMARY KEY,
    car_park    text        NOT NULL,
    state       text        NOT NULL COLLATE "C"
        CONSTRAINT space_state_known CHECK (state IN ('free', 'occupied', 'unknown', 'out_of_service')),
    at          timestamptz NOT NULL,
    epoch       text        NOT NULL COLLATE "C",
    seq         bigint      NOT NULL,
    battery     real,
    received_at timestamptz NOT NULL
) WITH (fillfactor = 75);

-- Every event ever told, once: repeats are refused by the key, which leads with time so that inserts stay at its edge.
CREATE TABLE occupancy.space_event (
    at          timestamptz NOT NULL,
    space       integer     NOT NULL,
    epoch       text        NOT NULL COLLATE "C",
    seq         bigint      NOT NULL,
    state       text        NOT NULL COLLATE "C",
    battery     real,
    received_at timestamptz NOT NULL,
    CONSTRAINT space_event_key PRIMARY KEY (at, space, epoch, seq, state)
) PARTITION BY RANGE (at);
CREATE TABLE occupancy.space_event_default PARTITION OF occupancy.space_event DEFAULT;

-- The newest word of each counter in the order (at, epoch, seq, occupied, capacity); zone '' is the whole car park.
CREATE TABLE occupancy.count_state (
    car_park    text        NOT NULL,
    zone        text        NOT NULL,
    occupied    integer     NOT NULL CONSTRAINT count_state_not_negative CHECK (occupied >= 0),
    capacity    integer     NOT NULL,
    at          timestamptz NOT NULL,
    epoch       text        NOT NULL COLLATE "C",
    seq         bigint      NOT NULL,
    CONSTRAINT count_state_key PRIMARY KEY (car_park, zone)
) WITH (fillfactor = 75);

CREATE TABLE occupancy.count_event (
    at          timestamptz NOT NULL,
    car_park    text        NOT NULL,
    zone        text        NOT NULL,
    epoch       text        NOT NULL COLLATE "C",
    seq         bigint      NOT NULL,
    occupied    integer     NOT NULL,
    capacity    integer     NOT NULL,
    entered     bigint,
    left_       bigint,
    received_at timestamptz NOT NULL,
    CONSTRAINT count_event_key PRIMARY KEY (car_park, zone, at, epoch, seq, occupied, capacity)
) PARTITION BY RANGE (at);
CREATE TABLE occupancy.count_event_default PARTITION OF occupancy.count_event DEFAULT;

-- Append-only; its key makes a repeated passage harmless. Not partitioned: the key must hold over all time.
CREATE TABLE occupancy.passage (
    car_park      text        NOT NULL,
    id            text        NOT NULL,
    lane          text        NOT NULL,
    direction     text        NOT NULL CONSTRAINT passage_direction_known CHECK (direction IN ('entry', 'exit')),
    plate         text,
    color         text,
    vehicle_class text,
    confidence    real,
    image         text,
    ticket        text,
    at            timestamptz NOT NULL,
    received_at   timestamptz NOT NULL,
    CONSTRAINT passage_key PRIMARY KEY (car_park, id)
);
-- The net of entries and exits after a count, which is the new base to add them to.
CREATE INDEX passage_after ON occupancy.passage (car_park, at);

-- When a car park's own gateway came and went.
CREATE TABLE occupancy.online_event (
    car_park    text        NOT NULL,
    at          timestamptz NOT NULL,
    online      boolean     NOT NULL,
    software    text,
    received_at timestamptz NOT NULL,
    CONSTRAINT online_event_key PRIMARY KEY (car_park, at, online)
);
CREATE INDEX online_event_received ON occupancy.online_event (car_park, received_at);

-- A car park as a whole. Its row is locked by every batch that touches it, so all below it changes one batch at a time.
CREATE TABLE occupancy.car_park_state (
    car_park         text        CONSTRAINT car_park_state_key PRIMARY KEY,
    -- What its spaces add up to, kept by difference and counted again at night.
    spaces_occupied  integer     NOT NULL DEFAULT 0,
    spaces_free      integer     NOT NULL DEFAULT 0,
    spaces_out       integer     NOT NULL DEFAULT 0,
    spaces_unknown   integer     NOT NULL DEFAULT 0,
    spaces_at        timestamptz,
    -- What its lanes add up to: entries minus exits after the last count of the whole car park.
    passages_base    integer     NOT NULL DEFAULT 0,
    passages_base_at timestamptz,
    passages_net     integer     NOT NULL DEFAULT 0,
    passages_at      timestamptz,
    -- Whether its own gateway is connected; null as long as it never said.
    online           boolean,
    online_at        timestamptz,
    -- The one truth: what `occupancy.fusion` decided.
    occupied         integer,
    capacity         integer     NOT NULL DEFAULT 0,
    out_of_service   integer     NOT NULL DEFAULT 0,
    unknown          integer     NOT NULL DEFAULT 0,
    source           text        CONSTRAINT car_park_source_known CHECK (source IN ('spaces', 'counts', 'passages')),
    as_of            timestamptz,
    sampled_at       timestamptz,
    -- What was last told of it.
    promised         integer     NOT NULL DEFAULT 0,
    trend            integer,
    state            text        NOT NULL DEFAULT 'unknown'
        CONSTRAINT car_park_state_known CHECK (state IN ('open', 'almost_full', 'full', 'closed', 'unknown')),
    stale            boolean     NOT NULL DEFAULT false,
    told_as_of       timestamptz,
    version          bigint      NOT NULL DEFAULT 0,
    CONSTRAINT car_park_truth_whole CHECK ((occupied IS NULL) = (source IS NULL) AND (occupied IS NULL) = (as_of IS NULL))
) WITH (fillfactor = 50);

-- A car park's numbers each time they changed, in the time of the devices: the history that is read back.
CREATE TABLE occupancy.sample (
    car_park       text        NOT NULL,
    at             timestamptz NOT NULL,
    number         bigint      GENERATED ALWAYS AS IDENTITY,
    occupied       integer     NOT NULL,
    capacity       integer     NOT NULL,
    out_of_service integer     NOT NULL,
    source         text        NOT NULL,
    CONSTRAINT sample_key PRIMARY KEY (car_park, at, number)
) PARTITION BY RANGE (at);
CREATE TABLE occupancy.sample_default PARTITION OF occupancy.sample DEFAULT;

-- Published: what the other services may read.
CREATE VIEW occupancy.space_now AS SELECT space, car_park, state, at, received_at FROM occupancy.space_state;
CREATE VIEW occupancy.car_park_now AS
    SELECT car_park, occupied, out_of_service, capacity, promised, source, as_of, state, stale, version
    FROM occupancy.car_park_state;
