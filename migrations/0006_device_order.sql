-- Orders to devices: a row in the transaction of their cause, a message after it. Constraints and `order_lifecycle` agree.
CREATE TABLE gateway.device_order (
    id                   text        CONSTRAINT device_order_key PRIMARY KEY,
    operator             text        NOT NULL,
    car_park             text        NOT NULL,
    kind                 text        NOT NULL CONSTRAINT device_order_kind_known CHECK (
        kind IN ('open_barrier', 'refuse_entry', 'raise_lock', 'lower_lock', 'show_text', 'resend_snapshot')),
    lane                 text,
    space                text,
    sign                 text,
    text                 text,
    reason               text        NOT NULL,
    actor                text        NOT NULL,
    cause                text        NOT NULL,
    given_at             timestamptz NOT NULL,
    expires_at           timestamptz NOT NULL CONSTRAINT device_order_deadline_after CHECK (expires_at > given_at),
    state                text        NOT NULL CONSTRAINT device_order_state_known CHECK (
        state IN ('pending', 'published', 'done', 'failed', 'expired', 'superseded')),
    published_at         timestamptz, -- the broker's PUBACK, or an answer that came before it
    acknowledged_at      timestamptz, -- the device's word, when we received it
    acknowledged_late_at timestamptz, -- the same, where nobody waited for it any more
    device_at            timestamptz, -- and when by its own clock
    error                text,
    closed_at            timestamptz,
    superseded_by        text,

    -- The same cause is the same order.
    CONSTRAINT device_order_same UNIQUE (car_park, cause),

    -- An order without its place can be obeyed by nobody.
    CONSTRAINT device_order_place CHECK (CASE
        WHEN kind IN ('open_barrier', 'refuse_entry') THEN lane IS NOT NULL AND num_nonnulls(space, sign, text) = 0
        WHEN kind IN ('raise_lock', 'lower_lock') THEN space IS NOT NULL AND num_nonnulls(lane, sign, text) = 0
        WHEN kind = 'show_text' THEN text IS NOT NULL AND num_nonnulls(lane, sign) = 1 AND space IS NULL
        ELSE num_nonnulls(lane, space, sign, text) = 0 END),

    -- The state machine.
    CONSTRAINT device_order_closed CHECK ((state IN ('pending', 'published')) = (closed_at IS NULL)),
    CONSTRAINT device_order_pending CHECK (state <> 'pending' OR published_at IS NULL),
    CONSTRAINT device_order_published CHECK (state <> 'published' OR published_at IS NOT NULL),
    CONSTRAINT device_order_done CHECK (state <> 'done' OR acknowledged_at IS NOT NULL),
    CONSTRAINT device_order_acknowledged CHECK (acknowledged_at IS NULL OR state IN ('done', 'failed')),
    CONSTRAINT device_order_late CHECK (acknowledged_late_at IS NULL OR state IN ('expired', 'superseded')),
    CONSTRAINT device_order_device_at CHECK (
        (device_at IS NOT NULL) = (acknowledged_at IS NOT NULL OR acknowledged_late_at IS NOT NULL)),
    CONSTRAINT device_order_answered CHECK (
        published_at IS NOT NULL OR num_nonnulls(acknowledged_at, acknowledged_late_at) = 0),
    CONSTRAINT device_order_failed CHECK (state <> 'failed' OR error IS NOT NULL),
    CONSTRAINT device_order_error CHECK (error IS NULL OR state = 'failed' OR acknowledged_late_at IS NOT NULL),
    CONSTRAINT device_order_superseded CHECK ((state = 'superseded') = (superseded_by IS NOT NULL)),
    CONSTRAINT device_order_coalesced CHECK (state <> 'superseded' OR kind = 'show_text')
) WITH (fillfactor = 75);

-- Few are open at a time: what the dispatcher and the sweep read is this small.
CREATE INDEX device_order_open ON gateway.device_order (expires_at) WHERE state IN ('pending', 'published');
CREATE INDEX device_order_operator ON gateway.device_order (operator, id DESC);
CREATE INDEX device_order_car_park ON gateway.device_order (car_park, id DESC);

-- Published: whether a car park's own gateway is connected, as far as it said; null when it never did.
CREATE VIEW occupancy.online_now AS SELECT car_park, online FROM occupancy.car_park_state;
