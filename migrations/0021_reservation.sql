-- Promises of spaces for a time, and the sharing of private spaces. What must never happen is refused here, whatever the
-- code does: a pool promised beyond its capacity, a space or a vehicle promised twice at a time, a state that cannot be.
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE SCHEMA reservation;

-- How a car park promises, where it differs from the defaults of `reservation.policy`.
CREATE TABLE reservation.policy (
    car_park   text        CONSTRAINT policy_key PRIMARY KEY,
    policy     jsonb       NOT NULL,
    updated_at timestamptz NOT NULL
);

-- How many of a car park's reservable spaces are promised in each minute of a day (UTC): exact to the minute, one row to
-- lock and to write for a stay, and a search is a max(). Recounted from the reservations every night.
CREATE TABLE reservation.pool_day (
    car_park text       NOT NULL,
    day      date       NOT NULL,
    capacity integer    NOT NULL,
    used     smallint[] NOT NULL,
    CONSTRAINT pool_day_key PRIMARY KEY (car_park, day),
    CONSTRAINT pool_day_minutes CHECK (cardinality(used) = 1440),
    CONSTRAINT pool_day_never_below CHECK (0 <= ALL (used)),
    CONSTRAINT pool_day_never_over CHECK (capacity >= ALL (used))
) WITH (fillfactor = 50);
CREATE INDEX pool_day_by_day ON reservation.pool_day (day);

-- `used` with `by` added to the minutes `first` to `last`, counted from 1.
CREATE FUNCTION reservation.shifted(used smallint[], first integer, last integer, by integer) RETURNS smallint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT used[1 : first - 1]
        || (SELECT array_agg((minute.used + by)::smallint ORDER BY minute.number)
            FROM unnest(used[first : last]) WITH ORDINALITY AS minute (used, number))
        || used[last + 1 : cardinality(used)]
$$;

-- A private space that its owner lends. `windows` and `exceptions` are wall-clock times of the car park's time zone.
CREATE TABLE reservation.listing (
    id              text        CONSTRAINT listing_key PRIMARY KEY,
    version         integer     NOT NULL DEFAULT 1,
    owner           text        NOT NULL,
    car_park        text        NOT NULL,
    space           integer     NOT NULL,
    state           text        NOT NULL CONSTRAINT listing_state_known
        CHECK (state IN ('proposed', 'approved', 'refused', 'paused', 'revoked')),
    windows         jsonb       NOT NULL,
    exceptions      jsonb       NOT NULL DEFAULT '[]',
    price_per_hour  bigint      NOT NULL CONSTRAINT listing_price_range CHECK (price_per_hour BETWEEN 0 AND 1000000),
    owner_share_bp  integer     NOT NULL CONSTRAINT listing_share_range CHECK (owner_share_bp BETWEEN 0 AND 10000),
    notice_s        integer     NOT NULL DEFAULT 0 CONSTRAINT listing_notice_range CHECK (notice_s BETWEEN 0 AND 2592000),
    proof           text,
    created_at      timestamptz NOT NULL,
    decided_at      timestamptz,
    decided_by      text,
    decision_reason text,
    updated_at      timestamptz NOT NULL,
    -- Slots exist until then; the worker goes on from there.
    laid_until      timestamptz,
    CONSTRAINT listing_decided CHECK ((state = 'proposed') = (decided_at IS NULL) OR state = 'revoked')
);
CREATE INDEX listing_owner ON reservation.listing (owner, id);
CREATE INDEX listing_car_park ON reservation.listing (car_park, id);
-- Two people cannot both lend one space.
CREATE UNIQUE INDEX listing_one_for_a_space ON reservation.listing (space) WHERE state IN ('approved', 'paused');

-- The windows of approved listings, laid out ahead in absolute time. A changed listing takes away what is to come; a
-- promise already made stands on its own row.
CREATE TABLE reservation.share_slot (
    listing text      NOT NULL CONSTRAINT share_slot_listing_known REFERENCES reservation.listing (id) ON DELETE CASCADE,
    space   integer   NOT NULL,
    during  tstzrange NOT NULL CONSTRAINT share_slot_not_empty CHECK (NOT isempty(during)),
    CONSTRAINT share_slot_once EXCLUDE USING gist (space WITH =, during WITH &&)
);
CREATE INDEX share_slot_listing ON reservation.share_slot (listing, lower(during));

-- A promise. `during` is what was promised; `occupies` what it takes of the space or the pool from others, which may begin
-- earlier (an early arrival) and ends early with an early leave. One lifecycle: reservation/lifecycle.py says the same.
CREATE TABLE reservation.reservation (
    id              text        CONSTRAINT reservation_key PRIMARY KEY,
    version         integer     NOT NULL DEFAULT 1,
    driver          text        NOT NULL,
    car_park        text        NOT NULL,
    space           integer,    -- a numbered or shared one; NULL: any of the pool
    space_label     text,
    listing         text        CONSTRAINT reservation_listing_known REFERENCES reservation.listing (id),
    plate           text        NOT NULL,
    color           text        NOT NULL,
    during          tstzrange   NOT NULL,
    occupies        tstzrange   NOT NULL,
    state           text        NOT NULL CONSTRAINT reservation_state_known CHECK
        (state IN ('held', 'confirmed', 'checked_in', 'completed', 'expired', 'cancelled', 'no_show')),
    terms           jsonb       NOT NULL,
    price           bigint      NOT NULL CONSTRAINT reservation_price_range CHECK (price BETWEEN 0 AND 1000000000),
    fee             bigint      NOT NULL DEFAULT 0 CONSTRAINT reservation_fee_range CHECK (fee BETWEEN 0 AND 1000000000),
    hold_expires_at timestamptz NOT NULL,
    earliest        timestamptz NOT NULL, -- arrival
    latest          timestamptz NOT NULL, -- arrival; after it a no-show
    created_at      timestamptz NOT NULL,
    confirmed_at    timestamptz,
    checked_in_at   timestamptz,
    passage         text,                 -- that checked it in
    ended_at        timestamptz,
    overstaying     boolean     NOT NULL DEFAULT false,
    replaces_space  integer,              -- of the space that was taken, when another was substituted
    CONSTRAINT reservation_during_bounded CHECK
        (NOT isempty(during) AND lower_inc(during) AND NOT upper_inc(during) AND NOT lower_inf(during) AND NOT upper_inf(during)),
    CONSTRAINT reservation_space_labelled CHECK ((space IS NULL) = (space_label IS NULL)),
    CONSTRAINT reservation_listing_of_space CHECK (listing IS NULL OR space IS NOT NULL),
    CONSTRAINT reservation_ended CHECK ((state IN ('held', 'confirmed', 'checked_in')) = (ended_at IS NULL)),
    CONSTRAINT reservation_confirmed CHECK (CASE
        WHEN state IN ('held', 'expired') THEN confirmed_at IS NULL
        WHEN state = 'cancelled' THEN true
        ELSE confirmed_at IS NOT NULL END),
    CONSTRAINT reservation_checked_in CHECK ((state IN ('checked_in', 'completed')) = (checked_in_at IS NOT NULL)),
    CONSTRAINT reservation_overstays_inside CHECK (NOT overstaying OR state IN ('checked_in', 'completed')),
    CONSTRAINT reservation_space_once EXCLUDE USING gist (space WITH =, occupies WITH &&)
        WHERE (space IS NOT NULL AND state IN ('held', 'confirmed', 'checked_in')),
    CONSTRAINT reservation_vehicle_once EXCLUDE USING gist (plate WITH =, color WITH =, occupies WITH &&)
        WHERE (state IN ('held', 'confirmed', 'checked_in'))
) WITH (fillfactor = 80);
CREATE INDEX reservation_driver ON reservation.reservation (driver, id DESC);
CREATE INDEX reservation_car_park ON reservation.reservation (car_park, lower(during)) WHERE state IN ('held', 'confirmed', 'checked_in');
CREATE INDEX reservation_hold_expires ON reservation.reservation (hold_expires_at) WHERE state = 'held';
CREATE INDEX reservation_latest ON reservation.reservation (latest) WHERE state = 'confirmed';
CREATE INDEX reservation_leaves ON reservation.reservation (upper(during)) WHERE state = 'checked_in';
CREATE INDEX reservation_listing ON reservation.reservation (listing, lower(during)) WHERE listing IS NOT NULL;

-- What happened to each promise, in order: for its driver's live stream, webhooks and whoever asks later. `written_by` lets
-- a reader skip what may still be overtaken by a smaller number.
CREATE TABLE reservation.event (
    number      bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT event_key PRIMARY KEY,
    written_by  xid8        NOT NULL DEFAULT pg_current_xact_id(),
    reservation text        NOT NULL CONSTRAINT event_reservation_known REFERENCES reservation.reservation (id),
    at          timestamptz NOT NULL,
    kind        text        NOT NULL,
    version     integer     NOT NULL,
    detail      jsonb       NOT NULL DEFAULT '{}'
);
CREATE INDEX event_reservation ON reservation.event (reservation, number);

-- Who waits for a space that is promised to somebody else, in the order of their coming. An offer is a hold.
CREATE TABLE reservation.wait (
    id          text        CONSTRAINT wait_key PRIMARY KEY,
    driver      text        NOT NULL,
    car_park    text        NOT NULL,
    space       integer,
    space_label text,
    listing     text        CONSTRAINT wait_listing_known REFERENCES reservation.listing (id),
    plate       text        NOT NULL,
    color       text        NOT NULL,
    during      tstzrange   NOT NULL CONSTRAINT wait_during_bounded CHECK
        (NOT isempty(during) AND NOT lower_inf(during) AND NOT upper_inf(during)),
    state       text        NOT NULL CONSTRAINT wait_state_known CHECK (state IN ('waiting', 'offered', 'taken', 'lapsed', 'left')),
    created_at  timestamptz NOT NULL,
    reservation text        CONSTRAINT wait_reservation_known REFERENCES reservation.reservation (id),
    ended_at    timestamptz,
    CONSTRAINT wait_offered CHECK (state NOT IN ('offered', 'taken') OR reservation IS NOT NULL),
    CONSTRAINT wait_ended CHECK ((state IN ('waiting', 'offered')) = (ended_at IS NULL)),
    CONSTRAINT wait_once EXCLUDE USING gist (car_park WITH =, plate WITH =, color WITH =, during WITH &&)
        WHERE (state IN ('waiting', 'offered'))
);
CREATE INDEX wait_line ON reservation.wait (car_park, id) WHERE state = 'waiting';
CREATE INDEX wait_driver ON reservation.wait (driver, id DESC);

-- Published. What is promised at a car park `at` some moment: to whoever may come within the lead time and is not in yet.
CREATE FUNCTION reservation.promised(at timestamptz) RETURNS TABLE (car_park text, promised integer) LANGUAGE sql STABLE AS $$
    SELECT car_park, count(*)::integer FROM reservation.reservation
    WHERE (state = 'confirmed' AND latest >= at OR state = 'held' AND hold_expires_at > at)
      AND lower(during) <= at + make_interval(secs => (terms ->> 'due_s')::double precision) AND upper(during) > at
    GROUP BY car_park
$$;
