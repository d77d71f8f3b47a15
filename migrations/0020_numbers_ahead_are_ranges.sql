-- One row for each source whose numbers run ahead of its state, however many they are: a device whose clock falls back for
-- good says nothing else from then on. `seen_at` is when the last of them came.
ALTER TABLE occupancy.seq_ahead RENAME TO seq_ahead_by_number;
CREATE TABLE occupancy.seq_ahead (
    car_park text           NOT NULL,
    space    integer,
    zone     text           CONSTRAINT seq_ahead_of_one CHECK ((space IS NULL) <> (zone IS NULL)),
    epoch    text           NOT NULL,
    numbers  int8multirange NOT NULL,
    seen_at  timestamptz    NOT NULL,
    CONSTRAINT seq_ahead_key UNIQUE NULLS NOT DISTINCT (car_park, space, zone, epoch)
) WITH (fillfactor = 75);
INSERT INTO occupancy.seq_ahead (car_park, space, zone, epoch, numbers, seen_at)
    SELECT car_park, space, zone, epoch, range_agg(int8range(seq, seq, '[]')), max(seen_at)
    FROM occupancy.seq_ahead_by_number GROUP BY car_park, space, zone, epoch;
DROP TABLE occupancy.seq_ahead_by_number;
