-- What a sensor that counts vehicles said last, so that the next word of it tells how many passed since; and by which
-- name a network server told an uplink, so that a counter that began again is not taken for a copy.

CREATE TABLE gateway.vehicle_counter (
    device  text        NOT NULL CONSTRAINT vehicle_counter_key PRIMARY KEY,
    value   integer     NOT NULL CONSTRAINT vehicle_counter_value CHECK (value >= 0),
    at      timestamptz NOT NULL
);

ALTER TABLE gateway.uplink ADD COLUMN delivery text NOT NULL DEFAULT '';
