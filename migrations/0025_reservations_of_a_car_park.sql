-- The operator's list of a car park's promises, latest beginning first. Those that stand have `reservation_car_park`;
-- those that are over enter this one as they end, so that a hold writes no index more than before.
CREATE INDEX reservation_ended ON reservation.reservation (car_park, lower(during)) WHERE ended_at IS NOT NULL;

-- A search goes from one car park to the next and asks each which of its lent spaces are open for the window. The slot
-- knows its car park by itself: a listing never moves.
ALTER TABLE reservation.share_slot ADD COLUMN car_park text;
UPDATE reservation.share_slot AS slot SET car_park = listing.car_park
FROM reservation.listing AS listing WHERE listing.id = slot.listing;
CREATE FUNCTION reservation.place_share_slot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.car_park := (SELECT car_park FROM reservation.listing WHERE id = NEW.listing);
    RETURN NEW;
END $$;
CREATE TRIGGER share_slot_place BEFORE INSERT ON reservation.share_slot
    FOR EACH ROW EXECUTE FUNCTION reservation.place_share_slot();
CREATE INDEX share_slot_open ON reservation.share_slot USING gist (car_park, during);
