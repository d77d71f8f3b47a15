-- The operator's list of a car park's promises, latest beginning first. Those that stand have `reservation_car_park`;
-- those that are over enter this one as they end, so that a hold writes no index more than before.
CREATE INDEX reservation_ended ON reservation.reservation (car_park, lower(during)) WHERE ended_at IS NOT NULL;
