-- From the ledger to the operators' bank accounts: business days that are settled, the channels' bills, and where the two differ.

-- Where money stands that is somebody's, and nobody knows whose.
ALTER TABLE billing.account DROP CONSTRAINT account_kind_known;
ALTER TABLE billing.account ADD CONSTRAINT account_kind_known CHECK (kind IN
    ('payer', 'operator_pending', 'operator', 'owner', 'platform', 'channel_clearing', 'channel_fee', 'bank', 'bad_debt', 'suspense'));

-- The sum of an account's entries up to a journal: balances that are not kept are this and the entries since.
CREATE TABLE billing.checkpoint (
    account bigint      CONSTRAINT checkpoint_key PRIMARY KEY CONSTRAINT checkpoint_account_known REFERENCES billing.account (id),
    journal bigint      NOT NULL,
    total   numeric     NOT NULL,
    laid_at timestamptz NOT NULL
);

-- An operator's business day, in the city's time zone.
CREATE TABLE billing.settlement (
    id            text        CONSTRAINT settlement_key PRIMARY KEY,
    version       integer     NOT NULL DEFAULT 1,
    operator      text        NOT NULL,
    day           date        NOT NULL,
    begins        timestamptz NOT NULL,
    ends          timestamptz NOT NULL,
    state         text        NOT NULL CONSTRAINT settlement_state_known CHECK (state IN
        ('open', 'frozen', 'reconciled', 'paid_out', 'held')),
    held_in       text        CONSTRAINT settlement_held_in_known CHECK (held_in IN ('frozen', 'reconciled')), -- where it goes on when released
    reason        text,       -- why it is held, or was released
    held_by_city  boolean     NOT NULL DEFAULT false, -- then its operator cannot release it
    is_split      boolean     NOT NULL DEFAULT false, -- what was paid is the operator's, the owners' and the platform's
    paid          bigint,     -- to the operator; what is less than nothing stays in the account, and is less the next time
    frozen_at     timestamptz,
    reconciled_at timestamptz,
    paid_out_at   timestamptz,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    CONSTRAINT settlement_day_once UNIQUE (operator, day),
    CONSTRAINT settlement_forwards CHECK (begins < ends),
    CONSTRAINT settlement_held_somewhere CHECK ((state = 'held') = (held_in IS NOT NULL)),
    CONSTRAINT settlement_paid_out CHECK ((state = 'paid_out') = (paid IS NOT NULL)),
    CONSTRAINT settlement_paid_range CHECK (paid >= 0),
    CONSTRAINT settlement_split_first CHECK (is_split OR state NOT IN ('reconciled', 'paid_out'))
);
CREATE INDEX settlement_to_do ON billing.settlement (state, day) WHERE state IN ('open', 'frozen');
CREATE INDEX settlement_of_day ON billing.settlement (day DESC, id DESC);

-- Every journal of an operator is in one settlement; the row is written with the journal, the settlement when its day is over.
CREATE TABLE billing.settlement_item (
    journal    bigint      CONSTRAINT settlement_item_key PRIMARY KEY
        CONSTRAINT settlement_item_journal_known REFERENCES billing.journal (id),
    operator   text        NOT NULL,
    at         timestamptz NOT NULL,
    settlement text        CONSTRAINT settlement_item_settlement_known REFERENCES billing.settlement (id)
) WITH (fillfactor = 80);
CREATE INDEX settlement_item_waits ON billing.settlement_item (operator, at) WHERE settlement IS NULL;
CREATE INDEX settlement_item_of_settlement ON billing.settlement_item (settlement) WHERE settlement IS NOT NULL;
INSERT INTO billing.settlement_item (journal, operator, at) SELECT id, operator, at FROM billing.journal WHERE operator IS NOT NULL;

-- Figures of a settlement that does not change any more, by car park and channel. Fen.
CREATE TABLE billing.settlement_figure (
    settlement text   NOT NULL CONSTRAINT settlement_figure_settlement_known REFERENCES billing.settlement (id),
    car_park   text   NOT NULL,
    channel    text   NOT NULL,
    payments   bigint NOT NULL DEFAULT 0,
    refunds    bigint NOT NULL DEFAULT 0,
    gross      bigint NOT NULL DEFAULT 0,
    refunded   bigint NOT NULL DEFAULT 0,
    owners     bigint NOT NULL DEFAULT 0,
    platform   bigint NOT NULL DEFAULT 0,
    fees       bigint NOT NULL DEFAULT 0,
    losses     bigint NOT NULL DEFAULT 0,
    net        bigint GENERATED ALWAYS AS (gross - refunded - owners - platform - fees - losses) STORED,
    CONSTRAINT settlement_figure_key PRIMARY KEY (settlement, car_park, channel)
);

-- An owner's part of a charge that was split: the owner's from `due_at` on, 48 hours after the stay.
CREATE TABLE billing.owner_part (
    charge      text        CONSTRAINT owner_part_key PRIMARY KEY
        CONSTRAINT owner_part_charge_known REFERENCES billing.charge (id),
    owner       text        NOT NULL,
    due_at      timestamptz NOT NULL,
    released_at timestamptz
);
CREATE INDEX owner_part_due ON billing.owner_part (due_at) WHERE released_at IS NULL;
CREATE INDEX owner_part_of_owner ON billing.owner_part (owner, due_at);

-- What a channel says that it settles, as its bills say it.
CREATE TABLE billing.bill (
    channel text        NOT NULL,
    day     date        NOT NULL,
    lines   integer     NOT NULL,
    read_at timestamptz NOT NULL,
    CONSTRAINT bill_key PRIMARY KEY (channel, day)
);

CREATE TABLE billing.bill_line (
    id            bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT bill_line_key PRIMARY KEY,
    channel       text        NOT NULL,
    day           date        NOT NULL,
    kind          text        NOT NULL CONSTRAINT bill_line_kind_known CHECK (kind IN ('payment', 'refund')),
    number        text        NOT NULL, -- ours of it: out_trade_no of a payment, out_refund_no of a refund
    transaction   text        NOT NULL,
    out_trade_no  text        NOT NULL,
    amount        bigint      NOT NULL CONSTRAINT bill_line_amount_range CHECK (amount BETWEEN 0 AND 1000000000000),
    fee           bigint      NOT NULL,
    at            timestamptz NOT NULL,
    copy          integer     NOT NULL, -- 0; 1 for the first that says the same in this bill
    payment       text        CONSTRAINT bill_line_payment_known REFERENCES billing.payment (id),
    refund        text        CONSTRAINT bill_line_refund_known REFERENCES billing.refund (id),
    is_booked     boolean     NOT NULL DEFAULT false,
    CONSTRAINT bill_line_bill_known FOREIGN KEY (channel, day) REFERENCES billing.bill (channel, day),
    CONSTRAINT bill_line_once UNIQUE (channel, day, kind, number, transaction, copy),
    CONSTRAINT bill_line_of_one CHECK (payment IS NULL OR refund IS NULL)
);
CREATE INDEX bill_line_number ON billing.bill_line (channel, kind, number);
CREATE INDEX bill_line_payment ON billing.bill_line (payment) WHERE payment IS NOT NULL;
CREATE INDEX bill_line_refund ON billing.bill_line (refund) WHERE refund IS NOT NULL;
CREATE INDEX bill_line_to_book ON billing.bill_line (channel, day) WHERE NOT is_booked;

-- Of a line's fee what is due to each charge; a settlement takes it off once.
CREATE TABLE billing.bill_fee (
    line       bigint NOT NULL CONSTRAINT bill_fee_line_known REFERENCES billing.bill_line (id),
    charge     text   NOT NULL CONSTRAINT bill_fee_charge_known REFERENCES billing.charge (id),
    operator   text   NOT NULL,
    item       text   NOT NULL, -- the key of the journal that it is for
    amount     bigint NOT NULL,
    settlement text   CONSTRAINT bill_fee_settlement_known REFERENCES billing.settlement (id),
    CONSTRAINT bill_fee_key PRIMARY KEY (line, charge)
);
CREATE INDEX bill_fee_waits ON billing.bill_fee (operator) WHERE settlement IS NULL;
CREATE INDEX bill_fee_of_settlement ON billing.bill_fee (settlement) WHERE settlement IS NOT NULL;

-- Where the two differ: each once, open until it is resolved by itself or by somebody.
CREATE TABLE billing.difference (
    id           text        CONSTRAINT difference_key PRIMARY KEY,
    version      integer     NOT NULL DEFAULT 1,
    channel      text        NOT NULL,
    day          date        NOT NULL,
    kind         text        NOT NULL CONSTRAINT difference_kind_known CHECK (kind IN
        ('missing_here', 'missing_there', 'amount', 'doubled', 'state', 'late', 'unknown_refund')),
    item         text        NOT NULL CONSTRAINT difference_item_known CHECK (item IN ('payment', 'refund')),
    number       text        NOT NULL,
    line         bigint      CONSTRAINT difference_line_known REFERENCES billing.bill_line (id),
    payment      text        CONSTRAINT difference_payment_known REFERENCES billing.payment (id),
    refund       text        CONSTRAINT difference_refund_known REFERENCES billing.refund (id),
    ours         bigint,     -- fen; NULL: we have none, or none that moved anything
    theirs       bigint,
    operators    text[]      NOT NULL, -- whom it concerns; nobody: the city
    state        text        NOT NULL CONSTRAINT difference_state_known CHECK (state IN ('open', 'resolved')),
    way          text        CONSTRAINT difference_way_known CHECK (way IN ('itself', 'suspense', 'loss', 'refund')),
    reason       text,
    actor        text,
    asked_at     timestamptz, -- the channel was asked again
    created_at   timestamptz NOT NULL,
    resolved_at  timestamptz,
    CONSTRAINT difference_differs CHECK (ours IS NOT NULL OR theirs IS NOT NULL),
    CONSTRAINT difference_resolved CHECK ((state = 'resolved') = (way IS NOT NULL AND actor IS NOT NULL AND resolved_at IS NOT NULL))
);
CREATE UNIQUE INDEX difference_line_once ON billing.difference (line) WHERE line IS NOT NULL;
CREATE UNIQUE INDEX difference_payment_missing_once ON billing.difference (payment) WHERE line IS NULL AND item = 'payment';
CREATE UNIQUE INDEX difference_refund_missing_once ON billing.difference (refund) WHERE line IS NULL AND item = 'refund';
CREATE INDEX difference_open ON billing.difference (channel, day) WHERE state = 'open';
CREATE INDEX difference_of_payment ON billing.difference (payment) WHERE payment IS NOT NULL;
CREATE INDEX difference_of_refund ON billing.difference (refund) WHERE refund IS NOT NULL;
CREATE INDEX payment_succeeded ON billing.payment (channel, succeeded_at) WHERE state = 'succeeded';
CREATE INDEX refund_succeeded ON billing.refund (updated_at) WHERE state = 'succeeded';
CREATE INDEX charge_of_owner ON billing.charge (owner, ends) WHERE owner IS NOT NULL;
