-- What a counter leaves of its capacity: neither free nor occupied. Part of the word, so two that differ in it are two.
ALTER TABLE occupancy.count_state ADD COLUMN out_of_service integer NOT NULL DEFAULT 0;
ALTER TABLE occupancy.count_event ADD COLUMN out_of_service integer NOT NULL DEFAULT 0;
ALTER TABLE occupancy.count_event DROP CONSTRAINT count_event_key;
ALTER TABLE occupancy.count_event
    ADD CONSTRAINT count_event_key PRIMARY KEY (car_park, zone, at, epoch, seq, occupied, capacity, out_of_service);

-- How many of a car park's `unknown` spaces were never heard of: these the contract's formula leaves in `free`.
ALTER TABLE occupancy.car_park_state ADD COLUMN never_heard integer NOT NULL DEFAULT 0;
UPDATE occupancy.car_park_state SET never_heard = CASE
    WHEN occupied IS NULL THEN unknown WHEN source = 'spaces' THEN greatest(0, unknown - spaces_unknown) ELSE unknown END;
