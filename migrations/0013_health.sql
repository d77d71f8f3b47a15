-- How good each car park's data is and how its devices are: counted beside the recording, from what it stored.

-- What was seen of a car park in one hour. The worker looks about once a minute; what is a state and no event (dark,
-- silent, ...) is summed over its looks, so that `silent / spaces` is the mean share of the hour.
CREATE TABLE occupancy.health_hour (
    car_park    text        NOT NULL,
    hour        timestamptz NOT NULL,
    looks       integer     NOT NULL DEFAULT 0,
    dark        integer     NOT NULL DEFAULT 0, -- looks at which it was stale, or its gateway offline, and it was not closed
    overfull    integer     NOT NULL DEFAULT 0, -- looks at which more cars were counted than it has spaces
    capacity    bigint      NOT NULL DEFAULT 0,
    unheard     bigint      NOT NULL DEFAULT 0, -- spaces of the capacity that are not known, but for the silent ones
    spaces      bigint      NOT NULL DEFAULT 0, -- numbered spaces, of which
    silent      bigint      NOT NULL DEFAULT 0,
    flapping    bigint      NOT NULL DEFAULT 0,
    sources     bigint      NOT NULL DEFAULT 0, -- numbered spaces and counters, of which
    gapped      bigint      NOT NULL DEFAULT 0, -- some had lost a word that no snapshot had made good
    stored      bigint      NOT NULL DEFAULT 0, -- the books of the gateway in this hour
    duplicate   bigint      NOT NULL DEFAULT 0,
    late        bigint      NOT NULL DEFAULT 0,
    rejected    bigint      NOT NULL DEFAULT 0,
    gaps        bigint      NOT NULL DEFAULT 0, -- seen in this hour, and how many words
    lost        bigint      NOT NULL DEFAULT 0, -- are missing from them for good
    clock_ahead bigint      NOT NULL DEFAULT 0, -- words told with a clock that runs ahead of ours
    latencies   integer[]   NOT NULL DEFAULT '{}', -- how many live words took how long, by occupancy.health.LATENCY_EDGES_S
    CONSTRAINT health_hour_key PRIMARY KEY (car_park, hour),
    CONSTRAINT health_hour_parts CHECK (
        dark <= looks AND overfull <= looks AND unheard <= capacity AND silent <= spaces AND flapping <= spaces
        AND gapped <= sources)
) WITH (fillfactor = 75);
CREATE INDEX health_hour_age ON occupancy.health_hour (hour);

-- How far the books of a car park were read.
CREATE TABLE occupancy.health_mark (
    car_park  text   CONSTRAINT health_mark_key PRIMARY KEY,
    stored    bigint NOT NULL,
    duplicate bigint NOT NULL,
    late      bigint NOT NULL,
    rejected  bigint NOT NULL
) WITH (fillfactor = 75);

-- How far the history was read. Whoever looks locks this row: two workers do not look twice.
CREATE TABLE occupancy.health_look (
    only_row boolean     NOT NULL DEFAULT true CONSTRAINT health_look_key PRIMARY KEY
        CONSTRAINT health_look_one_row CHECK (only_row),
    until    timestamptz
);
INSERT INTO occupancy.health_look (until) VALUES (NULL);

-- The score of each car park that was ever heard, 0 to 100, and what lowered it: [{"code", "points", "measure"}].
CREATE TABLE occupancy.quality (
    car_park text        CONSTRAINT quality_key PRIMARY KEY,
    score    smallint    NOT NULL CONSTRAINT quality_score_range CHECK (score BETWEEN 0 AND 100),
    reasons  jsonb       NOT NULL,
    rated_at timestamptz NOT NULL
) WITH (fillfactor = 75);

-- What a device last told of itself. Values that not every message carries keep the last that was told.
CREATE TABLE occupancy.device_health (
    device        text        CONSTRAINT device_health_key PRIMARY KEY,
    car_park      text        NOT NULL,
    at            timestamptz NOT NULL,
    received_at   timestamptz NOT NULL,
    kind          text        NOT NULL,
    battery       real,
    battery_mv    integer,
    battery_low   boolean,
    temperature_c real,
    rssi          real,
    snr           real
) WITH (fillfactor = 75);

-- Published: the score, for whoever ranks car parks or drives signs. No row: not rated yet.
CREATE VIEW occupancy.quality_now AS SELECT car_park, score, reasons, rated_at FROM occupancy.quality;

-- Published: the books, and the operators of whom nobody is listening at the moment, though somebody did.
CREATE VIEW gateway.tally_now AS SELECT car_park, received, stored, duplicate, late, dead, last_received_at FROM gateway.tally;
CREATE VIEW gateway.deaf_operator AS
    SELECT operator FROM gateway.subscription JOIN gateway.slot USING (client_id)
    GROUP BY operator HAVING max(until) < now();
