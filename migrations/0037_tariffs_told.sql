-- What a car park charges, in a sentence, told by billing: shown where its operator says nothing himself.
ALTER TABLE registry.car_park ADD COLUMN tariff_told jsonb;
CREATE OR REPLACE VIEW registry.car_park_card AS
    SELECT id, operator, name_zh, name_en, kind, lat, lon, district, address, opening_hours, time_zone, height_cm, features,
           entrances, coalesce(tariff_summary, tariff_told) AS tariff_summary, capacity, reservable, measured_by, closed,
           closed_reason, updated_at,
           (SELECT count(*) FROM registry.space WHERE space.car_park = car_park.id AND NOT space.retired) AS numbered_spaces
    FROM registry.car_park
    WHERE NOT retired;

-- Which version's sentence was told last; NULL: none is in force.
CREATE TABLE billing.tariff_told (
    car_park text CONSTRAINT tariff_told_key PRIMARY KEY,
    tariff   text CONSTRAINT tariff_told_tariff_known REFERENCES billing.tariff (id)
);
