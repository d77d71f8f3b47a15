-- Who and where. Every other schema reads this one through the views at the end.
CREATE SCHEMA registry;

-- Grows with every change of the registry, so that whoever keeps a copy knows when to read again. One row and not a
-- sequence: a sequence shows its new value before the change behind it is committed, and a reader who looks in between
-- would keep the old state under the new number for ever.
CREATE TABLE registry.revision (
    only_row boolean NOT NULL DEFAULT true CONSTRAINT revision_key PRIMARY KEY CONSTRAINT revision_one_row CHECK (only_row),
    value    bigint  NOT NULL
);
INSERT INTO registry.revision (value) VALUES (1);

CREATE TABLE registry.operator (
    id         text        CONSTRAINT operator_key PRIMARY KEY CONSTRAINT operator_id_slug CHECK (id ~ '^[a-z0-9-]{1,64}$')
                           CONSTRAINT operator_id_free CHECK (id NOT IN ('public', 'signs')), -- levels of public topics
    name_zh    text        NOT NULL,
    name_en    text        NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE registry.car_park (
    id              text             CONSTRAINT car_park_key PRIMARY KEY CONSTRAINT car_park_id_slug CHECK (id ~ '^[a-z0-9-]{1,64}$'),
    operator        text             NOT NULL CONSTRAINT car_park_operator_known REFERENCES registry.operator (id),
    name_zh         text             NOT NULL,
    name_en         text             NOT NULL,
    kind            text             NOT NULL,
    lat             double precision NOT NULL CONSTRAINT car_park_lat_range CHECK (lat BETWEEN -90 AND 90),
    lon             double precision NOT NULL CONSTRAINT car_park_lon_range CHECK (lon BETWEEN -180 AND 180),
    district        text,
    address         text,
    opening_hours   text,
    time_zone       text             NOT NULL,
    height_cm       integer          CONSTRAINT car_park_height_positive CHECK (height_cm > 0),
    features        text[]           NOT NULL DEFAULT '{}',
    entrances       jsonb            NOT NULL DEFAULT '[]',
    tariff_summary  jsonb,
    capacity        integer          NOT NULL CONSTRAINT car_park_capacity_range CHECK (capacity BETWEEN 0 AND 100000),
    reservable      integer          NOT NULL DEFAULT 0
        CONSTRAINT car_park_reservable_range CHECK (reservable BETWEEN 0 AND capacity),
    measured_by     text             NOT NULL DEFAULT 'auto'
        CONSTRAINT car_park_measured_by_known CHECK (measured_by IN ('spaces', 'counts', 'passages', 'mixed', 'auto')),
    closed          boolean          NOT NULL DEFAULT false,
    closed_reason   text             CONSTRAINT car_park_reason_when_closed CHECK (closed OR closed_reason IS NULL),
    retired         boolean          NOT NULL DEFAULT false,
    source          jsonb            NOT NULL DEFAULT '{}',
    created_at      timestamptz      NOT NULL,
    updated_at      timestamptz      NOT NULL
);
CREATE INDEX car_park_operator ON registry.car_park (operator, id);
-- A feed knows its sites by its own ids: this finds ours again.
CREATE INDEX car_park_source_uid ON registry.car_park (operator, (source ->> 'uid'));

CREATE TABLE registry.zone (
    car_park text    NOT NULL CONSTRAINT zone_car_park_known REFERENCES registry.car_park (id) ON DELETE CASCADE,
    label    text    NOT NULL,
    capacity integer NOT NULL CONSTRAINT zone_capacity_range CHECK (capacity BETWEEN 0 AND 100000),
    level    integer,
    CONSTRAINT zone_key PRIMARY KEY (car_park, label)
);

-- A numbered space. Spaces that are only counted are the zone's capacity and have no row here.
CREATE TABLE registry.space (
    number   integer GENERATED ALWAYS AS IDENTITY CONSTRAINT space_number_key PRIMARY KEY,
    car_park text    NOT NULL CONSTRAINT space_car_park_known REFERENCES registry.car_park (id) ON DELETE CASCADE,
    label    text    NOT NULL,
    zone     text,
    features text[]  NOT NULL DEFAULT '{}',
    retired  boolean NOT NULL DEFAULT false,
    CONSTRAINT space_label_key UNIQUE (car_park, label),
    CONSTRAINT space_zone_known FOREIGN KEY (car_park, zone) REFERENCES registry.zone (car_park, label)
);

CREATE TABLE registry.lane (
    car_park  text NOT NULL CONSTRAINT lane_car_park_known REFERENCES registry.car_park (id) ON DELETE CASCADE,
    label     text NOT NULL,
    direction text NOT NULL CONSTRAINT lane_direction_known CHECK (direction IN ('entry', 'exit', 'both')),
    zone      text,
    CONSTRAINT lane_key PRIMARY KEY (car_park, label),
    CONSTRAINT lane_zone_known FOREIGN KEY (car_park, zone) REFERENCES registry.zone (car_park, label)
);

-- A guidance sign; what it shows is decided by guidance.
CREATE TABLE registry.sign (
    id        text             CONSTRAINT sign_key PRIMARY KEY CONSTRAINT sign_id_slug CHECK (id ~ '^[a-z0-9-]{1,64}$'),
    operator  text             NOT NULL CONSTRAINT sign_operator_known REFERENCES registry.operator (id),
    tier      text             NOT NULL CONSTRAINT sign_tier_known CHECK (tier IN ('trunk', 'junction', 'entrance')),
    name_zh   text             NOT NULL,
    name_en   text             NOT NULL,
    lat       double precision NOT NULL CONSTRAINT sign_lat_range CHECK (lat BETWEEN -90 AND 90),
    lon       double precision NOT NULL CONSTRAINT sign_lon_range CHECK (lon BETWEEN -180 AND 180),
    heading   integer          CONSTRAINT sign_heading_range CHECK (heading BETWEEN 0 AND 359),
    car_parks text[]           NOT NULL DEFAULT '{}'
);

CREATE TABLE registry.device (
    id         text        CONSTRAINT device_key PRIMARY KEY,
    operator   text        NOT NULL CONSTRAINT device_operator_known REFERENCES registry.operator (id),
    profile    text        NOT NULL,
    car_park   text        NOT NULL CONSTRAINT device_car_park_known REFERENCES registry.car_park (id) ON DELETE CASCADE,
    space      text,
    zone       text,
    settings   jsonb       NOT NULL DEFAULT '{}',
    updated_at timestamptz NOT NULL,
    CONSTRAINT device_place_single CHECK (space IS NULL OR zone IS NULL),
    CONSTRAINT device_space_known FOREIGN KEY (car_park, space) REFERENCES registry.space (car_park, label),
    CONSTRAINT device_zone_known FOREIGN KEY (car_park, zone) REFERENCES registry.zone (car_park, label)
);

-- An API key. Only a hash of its random secret is kept; no operator = every operator (the embedded one).
CREATE TABLE registry.api_key (
    id            text        CONSTRAINT api_key_key PRIMARY KEY,
    operator      text        CONSTRAINT api_key_operator_known REFERENCES registry.operator (id),
    name          text        NOT NULL,
    secret_sha256 bytea       NOT NULL,
    scopes        text[]      NOT NULL,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz,
    revoked_at    timestamptz
);

-- Who changed what, and to what: every write of an operator leaves a row.
CREATE TABLE registry.audit (
    number   bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT audit_key PRIMARY KEY,
    at       timestamptz NOT NULL,
    actor    text        NOT NULL,
    operator text,
    action   text        NOT NULL,
    subject  text        NOT NULL,
    detail   jsonb       NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_subject ON registry.audit (subject, number DESC);
CREATE INDEX audit_operator ON registry.audit (operator, number DESC);

-- Published: what the other services may read. What is retired is kept for its numbers and published nowhere.
CREATE VIEW registry.car_park_card AS
    SELECT id, operator, name_zh, name_en, kind, lat, lon, district, address, opening_hours, time_zone, height_cm, features,
           entrances, tariff_summary, capacity, reservable, measured_by, closed, closed_reason, updated_at,
           (SELECT count(*) FROM registry.space WHERE space.car_park = car_park.id AND NOT space.retired) AS numbered_spaces
    FROM registry.car_park
    WHERE NOT retired;

CREATE VIEW registry.operator_directory AS SELECT id, name_zh, name_en FROM registry.operator;

CREATE VIEW registry.zone_directory AS SELECT car_park, label, capacity, level FROM registry.zone;

CREATE VIEW registry.space_directory AS
    SELECT number, car_park, label, zone, features FROM registry.space WHERE NOT retired;

CREATE VIEW registry.lane_directory AS SELECT car_park, label, direction, zone FROM registry.lane;

CREATE VIEW registry.sign_directory AS
    SELECT id, operator, tier, name_zh, name_en, lat, lon, heading, car_parks FROM registry.sign;

CREATE VIEW registry.device_directory AS SELECT id, operator, profile, car_park, space, zone, settings FROM registry.device;

CREATE VIEW registry.revision_now AS SELECT value AS revision FROM registry.revision;

-- Changes with every change of the car park's row: whoever keeps a copy reads only those again. It is the writing
-- transaction's id, so it is never seen before its change is.
CREATE VIEW registry.car_park_revision AS
    SELECT id, operator, capacity, xmin::text AS revision FROM registry.car_park WHERE NOT retired;

-- And with every change of what is inside it, by whatever statement: a copy must not depend on who remembers to say so.
CREATE FUNCTION registry.touch_car_parks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE registry.car_park SET capacity = capacity WHERE id IN (SELECT car_park FROM changed);
    RETURN NULL;
END $$;
CREATE TRIGGER zone_insert_touches_car_park AFTER INSERT ON registry.zone REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION registry.touch_car_parks();
CREATE TRIGGER zone_update_touches_car_park AFTER UPDATE ON registry.zone REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION registry.touch_car_parks();
CREATE TRIGGER zone_delete_touches_car_park AFTER DELETE ON registry.zone REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION registry.touch_car_parks();
CREATE TRIGGER space_insert_touches_car_park AFTER INSERT ON registry.space REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION registry.touch_car_parks();
CREATE TRIGGER space_update_touches_car_park AFTER UPDATE ON registry.space REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION registry.touch_car_parks();
CREATE TRIGGER space_delete_touches_car_park AFTER DELETE ON registry.space REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION registry.touch_car_parks();
CREATE TRIGGER lane_insert_touches_car_park AFTER INSERT ON registry.lane REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION registry.touch_car_parks();
CREATE TRIGGER lane_update_touches_car_park AFTER UPDATE ON registry.lane REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION registry.touch_car_parks();
CREATE TRIGGER lane_delete_touches_car_park AFTER DELETE ON registry.lane REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION registry.touch_car_parks();
