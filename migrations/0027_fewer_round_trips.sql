-- A batch of events in one round trip instead of three, and without the risk of the caller's transaction: what the key
-- of the history refuses is undone in here. False: one of `said` was told before, and none of them was taken.
CREATE FUNCTION occupancy.keep_news(said occupancy.space_word[]) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    WITH said AS (SELECT * FROM unnest(keep_news.said)),
    kept AS (
        INSERT INTO occupancy.space_event (at, space, epoch, seq, state, battery, received_at)
        SELECT at, space, epoch, seq, state, battery, received_at FROM said
    ),
    first AS (
        INSERT INTO occupancy.space_state (space, car_park, state, at, epoch, seq, battery, received_at)
        SELECT space, car_park, state, at, epoch, seq, battery, received_at FROM said WHERE moves
    )
    UPDATE occupancy.space_state AS now SET
        car_park = said.car_park, state = said.state, at = said.at, epoch = said.epoch, seq = said.seq,
        battery = coalesce(said.battery, now.battery), received_at = said.received_at
    FROM said WHERE NOT said.moves AND now.space = said.space
        AND (said.at, said.epoch, said.seq, said.state) > (now.at, now.epoch, now.seq, now.state);
    RETURN true;
EXCEPTION WHEN unique_violation THEN
    RETURN false;
END $$;

-- How samples travel into their table together with the standings they belong to, as `space_word` does.
CREATE TYPE occupancy.sample_word AS (
    car_park       text,
    at             timestamptz,
    occupied       integer,
    capacity       integer,
    out_of_service integer,
    source         text
);

-- Whoever says all its spaces at once changes every row of a page: with half of the page free they all stay in it (HOT),
-- which is a fifth less work. Pages that are full now become so as they are rewritten.
ALTER TABLE occupancy.space_state SET (fillfactor = 50);
