-- Leave first, pay later: who stands before a barrier until he has paid, and what is looked up whenever a vehicle comes.

-- One vehicle at a lane: whoever is decided on there next takes its place, for it has gone.
CREATE TABLE billing.lane_wait (
    car_park text        NOT NULL,
    lane     text        NOT NULL,
    charge   text        CONSTRAINT lane_wait_charge_known REFERENCES billing.charge (id), -- NULL: staff are needed
    session  text        NOT NULL CONSTRAINT lane_wait_session_known REFERENCES billing.session (id),
    passage  text        NOT NULL,
    since    timestamptz NOT NULL,
    CONSTRAINT lane_wait_key PRIMARY KEY (car_park, lane)
);
CREATE INDEX lane_wait_charge ON billing.lane_wait (charge) WHERE charge IS NOT NULL;

-- What a vehicle has not paid, over all car parks, whatever its age.
CREATE INDEX charge_unpaid ON billing.charge (plate)
    WHERE plate IS NOT NULL AND state IN ('due', 'overdue', 'disputed', 'adjusted', 'written_off');

-- Objections, as operators decide them: one that nobody has looked at for each charge.
CREATE TABLE billing.dispute (
    id         text        CONSTRAINT dispute_key PRIMARY KEY,
    version    integer     NOT NULL DEFAULT 1,
    charge     text        NOT NULL CONSTRAINT dispute_charge_known REFERENCES billing.charge (id),
    operator   text        NOT NULL,
    car_park   text        NOT NULL,
    driver     text        NOT NULL,
    kind       text        NOT NULL CONSTRAINT dispute_kind_known CHECK (kind IN
        ('not_my_vehicle', 'wrong_times', 'wrong_price', 'paid_already', 'not_let_out', 'other')),
    reason     text        NOT NULL, -- in the driver's own words
    state      text        NOT NULL CONSTRAINT dispute_state_known CHECK (state IN ('open', 'upheld', 'adjusted', 'void', 'refunded')),
    answer     text,       -- why it was decided so, told to the driver
    amount     bigint,     -- what the charge is from then on
    decided_by text,
    decided_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT dispute_decided CHECK ((state = 'open') = (decided_at IS NULL) AND (decided_at IS NULL) = (answer IS NULL))
);
CREATE UNIQUE INDEX dispute_open_once ON billing.dispute (charge) WHERE state = 'open';
CREATE INDEX dispute_charge ON billing.dispute (charge);
CREATE INDEX dispute_to_decide ON billing.dispute (operator, id) WHERE state = 'open';
CREATE INDEX dispute_of_operator ON billing.dispute (operator, id DESC);

-- Also what an objection made less is reminded of.
DROP INDEX billing.charge_to_remind;
CREATE INDEX charge_to_remind ON billing.charge (remind_at)
    WHERE remind_at IS NOT NULL AND state IN ('due', 'overdue', 'adjusted');
CREATE INDEX charge_of_driver ON billing.charge (driver, id DESC) WHERE driver IS NOT NULL;

-- Whoever has only said that a vehicle is his keeps nobody else from it: one that waits for the channel's word counts
-- for nothing, and each driver may wait once.
DROP INDEX billing.agreement_one_for_a_vehicle;
CREATE UNIQUE INDEX agreement_one_for_a_vehicle ON billing.agreement (plate, color) WHERE state NOT IN ('pending', 'ended');
CREATE UNIQUE INDEX agreement_pending_once ON billing.agreement (driver, plate, color) WHERE state = 'pending';
CREATE INDEX agreement_of_vehicle ON billing.agreement (plate, color) WHERE state <> 'ended';
