-- How an array of events travels into one statement: a row each, which costs half of an array for each column.
-- `moves` is what becomes of the state: NULL nothing, false it is changed, true it is the first of its space.
CREATE TYPE occupancy.space_word AS (
    space       integer,
    car_park    text,
    state       text,
    at          timestamptz,
    epoch       text,
    seq         bigint,
    battery     real,
    received_at timestamptz,
    moves       boolean
);
