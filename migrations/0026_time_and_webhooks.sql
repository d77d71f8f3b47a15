-- Who came first is told by a number: ids made within one millisecond have no order. The list is also looked at by what
-- was offered, and by whose time is over.
ALTER TABLE reservation.wait ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;
DROP INDEX reservation.wait_line;
CREATE INDEX wait_line ON reservation.wait (car_park, number) WHERE state = 'waiting';
CREATE INDEX wait_offered ON reservation.wait (car_park) WHERE state = 'offered';
CREATE INDEX wait_over ON reservation.wait (upper(during)) WHERE state = 'waiting';

-- Where an operator's system wants to hear what becomes of the promises at its car parks. The secret signs and must be
-- read again for that; whoever can read this table can read all that a webhook would tell.
CREATE TABLE reservation.webhook (
    id             text        CONSTRAINT webhook_key PRIMARY KEY,
    operator       text        NOT NULL,
    url            text        NOT NULL CONSTRAINT webhook_url_bounded CHECK (length(url) BETWEEN 8 AND 2048),
    events         text[]      NOT NULL, -- kinds; empty: all
    enabled        boolean     NOT NULL,
    secret         bytea       NOT NULL,
    former_secret  bytea,                -- signs beside the new one for a while
    former_until   timestamptz,
    failures       integer     NOT NULL DEFAULT 0 CONSTRAINT webhook_failures_range CHECK (failures >= 0), -- in a row
    quiet_until    timestamptz,          -- nothing is tried before, as it failed
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    CONSTRAINT webhook_former CHECK ((former_secret IS NULL) = (former_until IS NULL))
);
CREATE INDEX webhook_operator ON reservation.webhook (operator, id);

-- One event for one webhook; `body` is what is sent, the same at every attempt.
CREATE TABLE reservation.webhook_delivery (
    id         text        CONSTRAINT webhook_delivery_key PRIMARY KEY,
    webhook    text        NOT NULL CONSTRAINT webhook_delivery_webhook_known
        REFERENCES reservation.webhook (id) ON DELETE CASCADE,
    event      bigint      NOT NULL CONSTRAINT webhook_delivery_event_known REFERENCES reservation.event (number),
    kind       text        NOT NULL,
    body       bytea       NOT NULL,
    state      text        NOT NULL CONSTRAINT webhook_delivery_state_known CHECK (state IN ('waiting', 'delivered', 'dead')),
    attempts   integer     NOT NULL DEFAULT 0 CONSTRAINT webhook_delivery_attempts_range CHECK (attempts >= 0),
    turns      integer     NOT NULL DEFAULT 0, -- jobs that looked at it: one that comes twice does nothing
    next_at    timestamptz,
    give_up_at timestamptz NOT NULL,
    status     integer,                -- of the last answer
    error      text,                   -- why the last attempt failed
    created_at timestamptz NOT NULL,
    ended_at   timestamptz,
    CONSTRAINT webhook_delivery_once UNIQUE (webhook, event),
    CONSTRAINT webhook_delivery_ended CHECK ((state = 'waiting') = (ended_at IS NULL)),
    CONSTRAINT webhook_delivery_next CHECK ((state = 'waiting') = (next_at IS NOT NULL))
);
CREATE INDEX webhook_delivery_next_at ON reservation.webhook_delivery (next_at) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_over ON reservation.webhook_delivery (ended_at) WHERE ended_at IS NOT NULL;

-- How far the events have been read for webhooks: all that was written by transactions before `horizon`. Numbers up to
-- `low` need not be looked at again; those up to `mark` need not once no transaction before `mark_horizon` is under way.
CREATE TABLE reservation.event_reader (
    name         text   CONSTRAINT event_reader_key PRIMARY KEY,
    horizon      bigint NOT NULL,
    low          bigint NOT NULL,
    mark_horizon bigint NOT NULL,
    mark         bigint NOT NULL
);
INSERT INTO reservation.event_reader (name, horizon, low, mark_horizon, mark) VALUES ('webhooks', 0, 0, 0, 0);
