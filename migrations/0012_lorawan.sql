-- Devices on LoRaWAN networks: found by the name their network gives them, and never counted twice.

-- What a device is found by: a DevEUI however it is written, any other name without regard to case. Two devices with
-- one key would each be taken for the other. `gateway.known_device.device_key` says the same.
CREATE FUNCTION registry.heard_as(id text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN translate(lower(id), ':-.', '') ~ '^[0-9a-f]{16}$' THEN translate(lower(id), ':-.', '')
                ELSE lower(id) END
$$;
CREATE UNIQUE INDEX device_heard_as ON registry.device (registry.heard_as(id));

-- A change of a device is a change of its car park: copies of the registry read its devices with it. The one that it
-- leaves is not touched: whoever reads the other takes the device over from it, and nobody waits for two car parks.
CREATE TRIGGER device_insert_touches_car_park AFTER INSERT ON registry.device REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION registry.touch_car_parks();
CREATE TRIGGER device_update_touches_car_park AFTER UPDATE ON registry.device REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION registry.touch_car_parks();
CREATE TRIGGER device_delete_touches_car_park AFTER DELETE ON registry.device REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION registry.touch_car_parks();

-- The last uplinks of each device, in a ring: slots are reused, so the table never grows beyond so many per device.
-- `at` is the time that the first copy told, `hearings` how many copies came.
CREATE TABLE gateway.uplink (
    device   text        NOT NULL,
    slot     smallint    NOT NULL,
    session  text        NOT NULL,
    counter  bigint      NOT NULL,
    frame    bytea       NOT NULL,
    at       timestamptz NOT NULL,
    hearings integer     NOT NULL CONSTRAINT uplink_heard CHECK (hearings > 0),
    CONSTRAINT uplink_key PRIMARY KEY (device, slot)
) WITH (fillfactor = 75);
