-- What was lost on the way and how it was made good; spaces whose sensor is silent or flaps; counters that drift.

-- Numbers that never came: of a space, or (`space` null) of the counter of `zone`, '' being the whole car park.
-- `missing` shrinks when they come late, also after the gap was healed: then only history gains. `after_at` is when we
-- heard the word before it: a snapshot ordered later than that makes it good.
CREATE TABLE occupancy.seq_gap (
    number    bigint         GENERATED ALWAYS AS IDENTITY CONSTRAINT seq_gap_key PRIMARY KEY,
    car_park  text           NOT NULL,
    space     integer,
    zone      text           CONSTRAINT seq_gap_of_one CHECK ((space IS NULL) <> (zone IS NULL)),
    epoch     text           NOT NULL,
    from_seq  bigint         NOT NULL,
    to_seq    bigint         NOT NULL CONSTRAINT seq_gap_forward CHECK (to_seq >= from_seq),
    missing   int8multirange NOT NULL,
    after_at  timestamptz    NOT NULL,
    seen_at   timestamptz    NOT NULL,
    healed_at timestamptz,
    how       text           CONSTRAINT seq_gap_how_known CHECK (how IN ('late', 'snapshot', 'unanswered')),
    CONSTRAINT seq_gap_healed_somehow CHECK ((healed_at IS NULL) = (how IS NULL))
);
CREATE INDEX seq_gap_open ON occupancy.seq_gap (car_park) WHERE healed_at IS NULL;
CREATE INDEX seq_gap_missing ON occupancy.seq_gap (car_park, space, zone) WHERE NOT isempty(missing);
CREATE INDEX seq_gap_car_park ON occupancy.seq_gap (car_park, number DESC);
CREATE INDEX seq_gap_seen ON occupancy.seq_gap USING brin (seen_at);

-- Numbers that came although the state stands at a smaller one of the same epoch (a clock was put back meanwhile):
-- when the state passes them, they are not missing.
CREATE TABLE occupancy.seq_ahead (
    car_park text        NOT NULL,
    space    integer,
    zone     text        CONSTRAINT seq_ahead_of_one CHECK ((space IS NULL) <> (zone IS NULL)),
    epoch    text        NOT NULL,
    seq      bigint      NOT NULL,
    seen_at  timestamptz NOT NULL
);
CREATE INDEX seq_ahead_car_park ON occupancy.seq_ahead (car_park);

-- A car park that shall tell everything again, since something it said was, or may have been, lost at `wanted_at`.
-- One row each: however much is lost, one snapshot makes it good.
CREATE TABLE occupancy.resync (
    car_park        text        CONSTRAINT resync_key PRIMARY KEY,
    cause           text        NOT NULL CONSTRAINT resync_cause_known CHECK (cause IN ('gap', 'session', 'online', 'notice')),
    wanted_at       timestamptz NOT NULL,
    due_at          timestamptz NOT NULL, -- an order, or a look whether it still needs one, not before
    attempts        integer     NOT NULL DEFAULT 0,
    ordered_at      timestamptz,
    order_id        text,
    acknowledged_at timestamptz,
    done_at         timestamptz,
    how             text        CONSTRAINT resync_how_known CHECK (how IN ('late', 'told', 'acknowledged', 'unanswered')),
    CONSTRAINT resync_done_somehow CHECK ((done_at IS NULL) = (how IS NULL))
) WITH (fillfactor = 75);
CREATE INDEX resync_due ON occupancy.resync (due_at) WHERE done_at IS NULL;

-- A counter's gap is healed by its next word, as a space's is: when was that?
ALTER TABLE occupancy.count_state ADD COLUMN received_at timestamptz;

-- Spaces that are told otherwise than their newest event says: `unknown` where the sensor is silent, the last state that
-- held where it flaps. History and space_state keep what came.
CREATE TABLE occupancy.space_doubt (
    space      integer     CONSTRAINT space_doubt_key PRIMARY KEY,
    car_park   text        NOT NULL,
    kind       text        NOT NULL CONSTRAINT space_doubt_kind_known CHECK (kind IN ('silent', 'flapping')),
    shown      text        NOT NULL
        CONSTRAINT space_doubt_shown_known CHECK (shown IN ('free', 'occupied', 'unknown', 'out_of_service')),
    since      timestamptz NOT NULL,
    flipped_at timestamptz, -- flapping: its last change, by our clock
    flips      integer     NOT NULL DEFAULT 0,
    CONSTRAINT space_doubt_silent_is_unknown CHECK (kind <> 'silent' OR shown = 'unknown'),
    CONSTRAINT space_doubt_flapping_flips CHECK ((kind = 'flapping') = (flipped_at IS NOT NULL))
);
CREATE INDEX space_doubt_car_park ON occupancy.space_doubt (car_park);

-- How many of its spaces are in doubt: while there are none, recording need not look. When anything but a status was last
-- received; the device's time of its last word `online`; when a notice of its absence came that something spoke against;
-- how many numbered words came lately, and how many of them jumped.
ALTER TABLE occupancy.car_park_state
    ADD COLUMN doubted        integer NOT NULL DEFAULT 0,
    ADD COLUMN heard_at       timestamptz,
    ADD COLUMN online_said_at timestamptz,
    ADD COLUMN noticed_at     timestamptz,
    ADD COLUMN words          integer NOT NULL DEFAULT 0,
    ADD COLUMN jumps          integer NOT NULL DEFAULT 0;

-- How often a car park's sensors speak at least, by what was seen: see occupancy.heartbeats.
CREATE TABLE occupancy.heartbeat (
    car_park      text        CONSTRAINT heartbeat_key PRIMARY KEY,
    watched_from  timestamptz NOT NULL,
    looks         integer     NOT NULL,
    silence_s_max real        NOT NULL, -- of all looks: how long nineteen of twenty sensors had been silent at most
    learned_s     real,
    learned_at    timestamptz
) WITH (fillfactor = 75);

-- How often the sensors of a car park speak at least, whatever happens; null: only when something changes.
ALTER TABLE registry.car_park ADD COLUMN heartbeat_s integer
    CONSTRAINT car_park_heartbeat_range CHECK (heartbeat_s BETWEEN 1 AND 604800);

-- Published: the car parks with spaces that have a heartbeat, and these spaces. The device of a space goes before that of
-- its zone, before that of the car park, before the car park itself.
CREATE VIEW registry.device_heartbeat AS
    SELECT car_park, space, zone, max(heartbeat_s)::double precision AS heartbeat_s
    FROM (SELECT car_park, space, zone,
                 CASE WHEN jsonb_typeof(settings -> 'heartbeat_s') = 'number' THEN (settings -> 'heartbeat_s')::numeric END
                     AS heartbeat_s
          FROM registry.device) AS said
    WHERE heartbeat_s BETWEEN 1 AND 604800
    GROUP BY car_park, space, zone;
CREATE VIEW registry.car_park_heartbeat AS
    SELECT id AS car_park, heartbeat_s, least(heartbeat_s, said.shortest_s) AS shortest_s
    FROM registry.car_park
    LEFT JOIN (SELECT car_park, min(heartbeat_s) AS shortest_s FROM registry.device_heartbeat GROUP BY car_park) AS said
        ON said.car_park = id
    WHERE NOT retired AND (heartbeat_s IS NOT NULL OR said.shortest_s IS NOT NULL);
CREATE VIEW registry.space_heartbeat AS
    SELECT space.number, space.car_park,
           coalesce(own.heartbeat_s, zonal.heartbeat_s, whole.heartbeat_s, car_park.heartbeat_s) AS heartbeat_s
    FROM registry.space
    JOIN registry.car_park ON car_park.id = space.car_park
    LEFT JOIN registry.device_heartbeat AS own ON own.car_park = space.car_park AND own.space = space.label
    LEFT JOIN registry.device_heartbeat AS zonal ON zonal.car_park = space.car_park AND zonal.zone = space.zone
    LEFT JOIN registry.device_heartbeat AS whole
        ON whole.car_park = space.car_park AND whole.space IS NULL AND whole.zone IS NULL
    WHERE NOT space.retired;

-- Published: what health wants to know.
CREATE OR REPLACE VIEW occupancy.space_now AS
    SELECT state.space, state.car_park, coalesce(doubt.shown, state.state) AS state, state.at, state.received_at,
           doubt.kind AS doubt
    FROM occupancy.space_state AS state LEFT JOIN occupancy.space_doubt AS doubt USING (space);
CREATE VIEW occupancy.gap_now AS
    SELECT car_park, space, zone, epoch, from_seq, to_seq, missing, seen_at, healed_at, how FROM occupancy.seq_gap;
CREATE VIEW occupancy.doubt_now AS
    SELECT space, car_park, kind, shown, since, flipped_at, flips FROM occupancy.space_doubt;
