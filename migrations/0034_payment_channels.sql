-- What billing keeps of its talk with payment channels, and the sandbox, which is a channel that lives in here.

-- What was asked for, word for word: sent again it must be the same, whatever was renamed meanwhile.
ALTER TABLE billing.payment
    ADD COLUMN ordered   jsonb   NOT NULL,
    ADD COLUMN is_repaid boolean NOT NULL DEFAULT false, -- the driver has paid back what the channel had advanced
    ADD CONSTRAINT payment_polled_while_under_way CHECK (poll_at IS NULL OR state IN ('created', 'sent', 'accepted')),
    ADD CONSTRAINT payment_succeeded_when CHECK ((state = 'succeeded') = (succeeded_at IS NOT NULL));

-- How much of its part a charge took: less than was asked for where it was paid, or made less or void, meanwhile.
ALTER TABLE billing.payment_charge
    ADD COLUMN paid bigint NOT NULL DEFAULT 0 CONSTRAINT payment_charge_paid_range CHECK (paid BETWEEN 0 AND amount);
CREATE UNIQUE INDEX payment_charge_paid_once ON billing.payment_charge (charge) WHERE paid > 0;

-- The holder of the account that too much came from, where it belongs to no charge.
ALTER TABLE billing.refund
    ADD COLUMN payer text,
    ADD CONSTRAINT refund_of_something CHECK ((charge IS NULL) = (payer IS NOT NULL)),
    ADD CONSTRAINT refund_polled_while_under_way CHECK (poll_at IS NULL OR state IN ('created', 'sent'));
CREATE INDEX refund_page ON billing.refund (id DESC);

-- Which payment it spoke of, and what became of one that was set aside.
ALTER TABLE billing.callback
    ADD COLUMN payment     text CONSTRAINT callback_payment_known REFERENCES billing.payment (id),
    ADD COLUMN answer      text,
    ADD COLUMN resolved_by text,
    ADD COLUMN resolved_at timestamptz,
    ADD CONSTRAINT callback_resolved CHECK ((outcome = 'resolved') = (resolved_at IS NOT NULL));

CREATE INDEX callback_to_forget ON billing.callback (received_at) WHERE outcome <> 'quarantined';

-- When the channel last said how it stands with the vehicle: its words come in any order.
ALTER TABLE billing.agreement ADD COLUMN told_at timestamptz;

-- What a channel calls an entry that it was told of.
CREATE TABLE billing.announcement (
    session    text        NOT NULL CONSTRAINT announcement_session_known REFERENCES billing.session (id),
    channel    text        NOT NULL,
    parking_id text,
    plate_state text       NOT NULL,
    told_at    timestamptz NOT NULL,
    CONSTRAINT announcement_key PRIMARY KEY (session, channel)
);

-- The sandbox: what it was asked for, and what it will have done by when.
CREATE TABLE billing.sandbox_order (
    out_trade_no text        CONSTRAINT sandbox_order_key PRIMARY KEY,
    transaction  text        NOT NULL CONSTRAINT sandbox_order_transaction_once UNIQUE,
    asked        jsonb       NOT NULL,
    pays_later   boolean     NOT NULL,
    amount       bigint      NOT NULL,
    plate        text,
    color        text,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    ends_at      timestamptz, -- NULL: waits for somebody to pay
    ends_as      text        CONSTRAINT sandbox_order_end_known CHECK (ends_as IN ('succeeded', 'failed', 'closed')),
    is_advanced  boolean     NOT NULL DEFAULT false,
    repaid_at    timestamptz,
    told         integer     NOT NULL DEFAULT 0, -- notifications that went out
    CONSTRAINT sandbox_order_ends CHECK ((ends_at IS NULL) = (ends_as IS NULL))
);
CREATE INDEX sandbox_order_to_tell ON billing.sandbox_order (ends_at)
    WHERE told < CASE WHEN is_advanced THEN 3 ELSE 2 END AND ends_as <> 'closed';
CREATE INDEX sandbox_order_ended ON billing.sandbox_order (ends_at) WHERE ends_as = 'succeeded';
CREATE TABLE billing.sandbox_refund (
    out_refund_no text        CONSTRAINT sandbox_refund_key PRIMARY KEY,
    out_trade_no  text        NOT NULL CONSTRAINT sandbox_refund_order_known REFERENCES billing.sandbox_order (out_trade_no),
    transaction   text        NOT NULL CONSTRAINT sandbox_refund_transaction_once UNIQUE,
    amount        bigint      NOT NULL,
    ends_at       timestamptz NOT NULL
);
CREATE INDEX sandbox_refund_order ON billing.sandbox_refund (out_trade_no);
CREATE INDEX sandbox_refund_ended ON billing.sandbox_refund (ends_at);
CREATE INDEX sandbox_order_to_forget ON billing.sandbox_order (created_at);
