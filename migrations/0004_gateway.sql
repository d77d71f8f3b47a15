-- What was refused, and the books that show that nothing was lost.
CREATE SCHEMA gateway;

-- A refused message or part of one: the same refusal is one row with a count. `events` is how many of them it holds,
-- `booked` whether they stand as dead in a tally: a stranger has none.
CREATE TABLE gateway.dead_letter (
    id             text        CONSTRAINT dead_letter_key PRIMARY KEY,
    operator       text,
    car_park       text,
    topic          text        NOT NULL,
    reason         text        NOT NULL,
    detail         text        NOT NULL,
    payload        bytea       NOT NULL,
    payload_bytes  integer     NOT NULL,
    sha256         text        NOT NULL,
    message_sha256 text        NOT NULL,
    events         integer     NOT NULL CONSTRAINT dead_letter_events_positive CHECK (events > 0),
    booked         boolean     NOT NULL,
    codec          text        NOT NULL,
    first_seen_at  timestamptz NOT NULL,
    last_seen_at   timestamptz NOT NULL,
    count          bigint      NOT NULL CONSTRAINT dead_letter_count_positive CHECK (count > 0),
    replayed_at    timestamptz,
    CONSTRAINT dead_letter_same UNIQUE (topic, reason, sha256)
);
CREATE INDEX dead_letter_operator ON gateway.dead_letter (operator, last_seen_at DESC, id DESC);
CREATE INDEX dead_letter_seen ON gateway.dead_letter (last_seen_at DESC, id DESC);

-- received = stored + duplicate + late + dead, per car park, counted in the transaction that stores.
CREATE TABLE gateway.tally (
    car_park         text        CONSTRAINT tally_key PRIMARY KEY,
    received         bigint      NOT NULL DEFAULT 0,
    stored           bigint      NOT NULL DEFAULT 0,
    duplicate        bigint      NOT NULL DEFAULT 0,
    late             bigint      NOT NULL DEFAULT 0,
    dead             bigint      NOT NULL DEFAULT 0,
    last_received_at timestamptz NOT NULL,
    CONSTRAINT tally_balances CHECK (received = stored + duplicate + late + dead)
) WITH (fillfactor = 75);
