-- Arrivals: who drove in before he could be checked in, whose space was found taken, and the locks that were lowered.
ALTER TABLE reservation.reservation
    ADD COLUMN inside_since   timestamptz, -- the vehicle drove in before it could be checked in, and has not left
    ADD COLUMN space_taken_at timestamptz; -- no other was found: its driver was told, and may cancel free of charge
-- Few at a time: those the loop has to look at again.
CREATE INDEX reservation_inside ON reservation.reservation (car_park)
    WHERE inside_since IS NOT NULL AND state IN ('held', 'confirmed');
CREATE INDEX reservation_begins ON reservation.reservation (lower(during)) WHERE state IN ('held', 'confirmed');

-- The lock of a space whose guest is inside, or has left; gone once it is up again. At most one order is under way.
CREATE TABLE reservation.space_lock (
    space       integer     CONSTRAINT space_lock_key PRIMARY KEY,
    car_park    text        NOT NULL,
    space_label text        NOT NULL,
    reservation text        NOT NULL CONSTRAINT space_lock_reservation_known REFERENCES reservation.reservation (id),
    wanted      text        NOT NULL CONSTRAINT space_lock_wanted_known CHECK (wanted IN ('lowered', 'raised')),
    attempt     integer     NOT NULL CONSTRAINT space_lock_attempt_counted CHECK (attempt >= 0),
    due_at      timestamptz -- when to give the next order; NULL: it obeyed, or was asked in vain too often
);
CREATE INDEX space_lock_due ON reservation.space_lock (due_at) WHERE due_at IS NOT NULL;

-- Published. What is promised at a car park `at` some moment: to whoever may come within the lead time and is not in yet.
-- No lead time is longer than a day, so that only those that begin soon are looked at.
CREATE OR REPLACE FUNCTION reservation.promised(at timestamptz) RETURNS TABLE (car_park text, promised integer)
LANGUAGE sql STABLE AS $$
    SELECT car_park, count(*)::integer FROM reservation.reservation
    WHERE (state = 'confirmed' AND latest >= at OR state = 'held' AND hold_expires_at > at)
      AND state IN ('held', 'confirmed') AND inside_since IS NULL
      AND lower(during) <= at + interval '24 hours'
      AND lower(during) <= at + make_interval(secs => (terms ->> 'due_s')::double precision) AND upper(during) > at
    GROUP BY car_park
$$;
