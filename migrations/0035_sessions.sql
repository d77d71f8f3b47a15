-- Sessions read two more things: what lies inside a stay, and whose promise it is.
CREATE INDEX session_inside_of ON billing.session (parent) WHERE parent IS NOT NULL;
CREATE INDEX session_superseded ON billing.session (supersedes) WHERE supersedes IS NOT NULL;

CREATE INDEX session_rated ON billing.session (id) WHERE state = 'rated';
CREATE INDEX session_exceptions ON billing.session (id DESC) WHERE state IN ('exited', 'suspect', 'orphan_exit');

-- Published: guests who came, by which passage and when.
CREATE INDEX reservation_came ON reservation.reservation (car_park, plate, checked_in_at) WHERE checked_in_at IS NOT NULL;
CREATE VIEW reservation.guest AS
    SELECT id, car_park, plate, color, driver, passage, checked_in_at, ended_at
    FROM reservation.reservation
    WHERE checked_in_at IS NOT NULL;
