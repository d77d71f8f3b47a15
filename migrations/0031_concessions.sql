-- What lowers a fee, and who holds it: permits (monthly passes, staff, disabled) for vehicles, coupons by code or by plate.
-- Each names a concession of the tariffs of its car parks; what that takes off, and what goes together, the tariff says.
CREATE TABLE billing.permit (
    id          text        CONSTRAINT permit_key PRIMARY KEY,
    version     integer     NOT NULL DEFAULT 1,
    operator    text        NOT NULL,
    car_parks   text[]      NOT NULL CONSTRAINT permit_somewhere CHECK (cardinality(car_parks) BETWEEN 1 AND 200),
    concession  text        NOT NULL,
    holder      text        NOT NULL,
    spaces      integer     CONSTRAINT permit_spaces_range CHECK (spaces BETWEEN 1 AND 1000), -- of its vehicles at a time; NULL: all
    uses_max    integer     CONSTRAINT permit_uses_range CHECK (uses_max BETWEEN 1 AND 1000000), -- stays; NULL: any number
    valid_from  timestamptz NOT NULL,
    valid_until timestamptz,
    created_at  timestamptz NOT NULL,
    created_by  text        NOT NULL,
    ended_at    timestamptz, -- before its time
    ended_by    text,
    CONSTRAINT permit_valid_for_a_while CHECK (valid_from < valid_until),
    CONSTRAINT permit_ended_by_somebody CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE INDEX permit_operator ON billing.permit (operator, id DESC);

CREATE TABLE billing.permit_vehicle (
    permit text NOT NULL CONSTRAINT permit_vehicle_permit_known REFERENCES billing.permit (id),
    plate  text NOT NULL,
    color  text NOT NULL,
    CONSTRAINT permit_vehicle_key PRIMARY KEY (permit, plate, color)
);
CREATE INDEX permit_vehicle_plate ON billing.permit_vehicle (plate, color);

CREATE TABLE billing.coupon (
    id          text        CONSTRAINT coupon_key PRIMARY KEY,
    version     integer     NOT NULL DEFAULT 1,
    operator    text        NOT NULL,
    car_parks   text[]      NOT NULL CONSTRAINT coupon_somewhere CHECK (cardinality(car_parks) BETWEEN 1 AND 200),
    concession  text        NOT NULL,
    issuer      text        NOT NULL, -- the shop that gives it
    code        text,
    plate       text,       -- of the vehicle it is for: it needs no code
    color       text,
    minutes     integer     CONSTRAINT coupon_minutes_range CHECK (minutes BETWEEN 1 AND 527040), -- less than the tariff's
    amount      bigint      CONSTRAINT coupon_amount_range CHECK (amount BETWEEN 1 AND 100000000),
    uses_max    integer     NOT NULL CONSTRAINT coupon_uses_range CHECK (uses_max BETWEEN 1 AND 1000000), -- stays
    valid_from  timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    created_by  text        NOT NULL,
    ended_at    timestamptz,
    ended_by    text,
    CONSTRAINT coupon_by_code_or_plate CHECK ((code IS NULL) <> (plate IS NULL)),
    CONSTRAINT coupon_of_a_vehicle CHECK ((plate IS NULL) = (color IS NULL)),
    CONSTRAINT coupon_valid_for_a_while CHECK (valid_from < valid_until),
    CONSTRAINT coupon_ended_by_somebody CHECK ((ended_at IS NULL) = (ended_by IS NULL)),
    CONSTRAINT coupon_code_once UNIQUE (operator, code)
);
CREATE INDEX coupon_operator ON billing.coupon (operator, id DESC);
CREATE INDEX coupon_plate ON billing.coupon (plate, color) WHERE plate IS NOT NULL;

-- For which stays they were used: at the rating, a code from the moment on at which it was put on the stay. Those of a
-- stay that was corrected or void count no longer.
CREATE TABLE billing.permit_use (
    permit  text        NOT NULL CONSTRAINT permit_use_permit_known REFERENCES billing.permit (id),
    session text        NOT NULL CONSTRAINT permit_use_session_known REFERENCES billing.session (id),
    at      timestamptz NOT NULL,
    CONSTRAINT permit_use_key PRIMARY KEY (permit, session)
);
CREATE INDEX permit_use_session ON billing.permit_use (session);

CREATE TABLE billing.coupon_use (
    coupon   text        NOT NULL CONSTRAINT coupon_use_coupon_known REFERENCES billing.coupon (id),
    session  text        NOT NULL CONSTRAINT coupon_use_session_known REFERENCES billing.session (id),
    at       timestamptz NOT NULL,
    actor    text        NOT NULL,
    is_spent boolean     NOT NULL DEFAULT true, -- false: the stay cost no less for it, another one may use it
    CONSTRAINT coupon_use_key PRIMARY KEY (coupon, session)
);
CREATE INDEX coupon_use_session ON billing.coupon_use (session);
