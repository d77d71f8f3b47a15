-- What a car park's sensors told of a time that its curve had passed: until it is mended (`occupancy.mend_curves`), the
-- curve shows from `until` on only what is true from `since` on.
CREATE TABLE occupancy.belated_move (
    car_park       text        NOT NULL,
    number         bigint      GENERATED ALWAYS AS IDENTITY,
    since          timestamptz NOT NULL,
    until          timestamptz NOT NULL,
    occupied       integer     NOT NULL,
    out_of_service integer     NOT NULL,
    CONSTRAINT belated_move_key PRIMARY KEY (car_park, number),
    CONSTRAINT belated_move_lasts CHECK (since < until)
);
