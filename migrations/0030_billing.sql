-- From passages to money. What must never happen is refused here, whatever the code does: a journal that does not balance,
-- a fact of the ledger that changes, a stay charged twice, more paid than asked, more given back than paid.
CREATE SCHEMA billing;

-- What a car park charges. A version is never changed: a session keeps the one that was in force at its entry.
CREATE TABLE billing.tariff (
    id           text        CONSTRAINT tariff_key PRIMARY KEY,
    car_park     text        NOT NULL,
    zone         text        NOT NULL DEFAULT '',  -- a nested zone that has prices of its own; '': the car park
    number       integer     NOT NULL,
    document     jsonb       NOT NULL,             -- billing.tariffs.tariff.TariffVersion
    valid_from   timestamptz NOT NULL,             -- for entries from then on, until a later version
    valid_until  timestamptz CONSTRAINT tariff_valid_for_a_while CHECK (valid_until > valid_from),
    created_at   timestamptz NOT NULL,
    created_by   text        NOT NULL,
    withdrawn_at timestamptz,
    CONSTRAINT tariff_number_once UNIQUE (car_park, zone, number)
);
CREATE INDEX tariff_in_force ON billing.tariff (car_park, zone, valid_from DESC, number DESC) WHERE withdrawn_at IS NULL;

-- The numbers of a policy that differ from the defaults of `billing.policy`; '' is the city's, a car park's goes before it.
CREATE TABLE billing.policy (
    car_park   text        CONSTRAINT policy_key PRIMARY KEY,
    policy     jsonb       NOT NULL,
    updated_at timestamptz NOT NULL
);

-- Passages as billing pairs them: those of devices, and those that an operator put right. Append-only: a correction is a
-- row of its own that takes the place of another, or of none.
CREATE TABLE billing.passage (
    car_park    text        NOT NULL,
    id          text        NOT NULL,
    zone        text        NOT NULL DEFAULT '', -- of the lane; '' is the car park's own border
    lane        text        NOT NULL,
    direction   text        NOT NULL CONSTRAINT passage_direction_known CHECK (direction IN ('entry', 'exit')),
    plate       text,
    color       text,
    ticket      text,
    class       text,
    confidence  real,
    image       text,
    at          timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    supersedes  text,       -- the id of the passage that was wrong
    is_void     boolean     NOT NULL DEFAULT false, -- what it supersedes did not happen
    made_by     text,       -- who put it right; NULL: a device told it
    reason      text,
    CONSTRAINT passage_key PRIMARY KEY (car_park, id),
    CONSTRAINT passage_supersedes_once UNIQUE (car_park, supersedes),
    CONSTRAINT passage_put_right_by_somebody CHECK ((supersedes IS NULL AND NOT is_void) OR made_by IS NOT NULL)
);
CREATE INDEX passage_of_plate ON billing.passage (car_park, plate, at) WHERE plate IS NOT NULL;
CREATE INDEX passage_of_ticket ON billing.passage (car_park, ticket, at) WHERE ticket IS NOT NULL;

-- A stay. docs/lifecycles.md; billing/session_lifecycle.py says the same.
CREATE TABLE billing.session (
    id            text        CONSTRAINT session_key PRIMARY KEY,
    version       integer     NOT NULL DEFAULT 1,
    car_park      text        NOT NULL,
    operator      text        NOT NULL,
    zone          text        NOT NULL DEFAULT '',
    parent        text        CONSTRAINT session_parent_known REFERENCES billing.session (id), -- around a nested zone
    plate         text,
    color         text,
    ticket        text,
    class         text        NOT NULL DEFAULT 'small',
    driver        text,       -- who has the agreement for the vehicle
    state         text        NOT NULL CONSTRAINT session_state_known CHECK (state IN
        ('open', 'exited', 'rated', 'closed', 'suspect', 'corrected', 'voided', 'orphan_exit', 'matched', 'free_passed')),
    reason        text,       -- why it is suspect, unrated, void, passed free
    entry_passage text,
    entry_at      timestamptz,
    exit_passage  text,
    exit_at       timestamptz,
    tariff        text        CONSTRAINT session_tariff_known REFERENCES billing.tariff (id),
    reservation   text,
    at_entry      jsonb,      -- what was decided, and why
    at_exit       jsonb,
    fee           jsonb,      -- the lines that say it, NULL before it is rated
    amount        bigint      CONSTRAINT session_amount_range CHECK (amount BETWEEN 0 AND 1000000000),
    supersedes    text        CONSTRAINT session_supersedes_known REFERENCES billing.session (id),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    CONSTRAINT session_of_somebody CHECK (plate IS NOT NULL OR ticket IS NOT NULL),
    CONSTRAINT session_entered CHECK (state IN ('orphan_exit', 'matched', 'free_passed', 'voided', 'corrected') OR entry_at IS NOT NULL),
    CONSTRAINT session_left CHECK (state NOT IN ('exited', 'rated', 'closed') OR exit_at IS NOT NULL),
    CONSTRAINT session_forwards CHECK (entry_at <= exit_at),
    CONSTRAINT session_billed_by_two_passages CHECK
        (state NOT IN ('rated', 'closed') OR (entry_passage IS NOT NULL AND exit_passage IS NOT NULL)),
    CONSTRAINT session_rated CHECK (state NOT IN ('rated', 'closed') OR (amount IS NOT NULL AND fee IS NOT NULL))
) WITH (fillfactor = 80);
-- A passage begins one stay, and ends one: whatever the code does, two bills for one way in are impossible.
CREATE UNIQUE INDEX session_entry_once ON billing.session (car_park, entry_passage)
    WHERE state IN ('open', 'exited', 'rated', 'closed', 'suspect');
CREATE UNIQUE INDEX session_exit_once ON billing.session (car_park, exit_passage)
    WHERE state IN ('exited', 'rated', 'closed', 'orphan_exit', 'free_passed');
CREATE INDEX session_of_vehicle ON billing.session (plate, color, entry_at DESC) WHERE plate IS NOT NULL;
CREATE INDEX session_of_plate ON billing.session (car_park, plate, entry_at DESC) WHERE plate IS NOT NULL;
CREATE INDEX session_of_ticket ON billing.session (car_park, ticket, entry_at DESC) WHERE ticket IS NOT NULL;
CREATE INDEX session_inside ON billing.session (car_park, entry_at) WHERE state = 'open';
CREATE INDEX session_to_decide ON billing.session (car_park, id) WHERE state IN ('exited', 'suspect', 'orphan_exit');
CREATE INDEX session_of_driver ON billing.session (driver, id DESC) WHERE driver IS NOT NULL;
CREATE INDEX session_of_car_park ON billing.session (car_park, id DESC);

-- Leave first, pay later for a vehicle.
CREATE TABLE billing.agreement (
    id          text        CONSTRAINT agreement_key PRIMARY KEY,
    version     integer     NOT NULL DEFAULT 1,
    driver      text        NOT NULL,
    plate       text        NOT NULL,
    color       text        NOT NULL,
    channel     text        NOT NULL,
    contract    text,       -- the channel's own id of it
    state       text        NOT NULL CONSTRAINT agreement_state_known CHECK (state IN ('pending', 'active', 'paused', 'overdue', 'ended')),
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);
CREATE UNIQUE INDEX agreement_one_for_a_vehicle ON billing.agreement (plate, color) WHERE state <> 'ended';
CREATE INDEX agreement_driver ON billing.agreement (driver, id DESC);

-- What is owed for a stay or a promise. Its figures are the fold of its journals; charge_lifecycle.py says which states follow.
CREATE TABLE billing.charge (
    id                text        CONSTRAINT charge_key PRIMARY KEY,
    version           integer     NOT NULL DEFAULT 1,
    kind              text        NOT NULL CONSTRAINT charge_kind_known CHECK (kind IN ('parking', 'reservation', 'cancellation', 'no_show', 'overstay')),
    session           text        CONSTRAINT charge_session_known REFERENCES billing.session (id),
    reservation       text,
    car_park          text        NOT NULL,
    operator          text        NOT NULL,
    owner             text,       -- who lends the space
    owner_share_bp    integer     NOT NULL DEFAULT 0 CONSTRAINT charge_owner_share_range CHECK (owner_share_bp BETWEEN 0 AND 10000),
    platform_share_bp integer     NOT NULL DEFAULT 0 CONSTRAINT charge_platform_share_range CHECK (platform_share_bp BETWEEN 0 AND 10000),
    plate             text,
    color             text,
    ticket            text,
    driver            text,
    state             text        NOT NULL CONSTRAINT charge_state_known CHECK (state IN
        ('quoted', 'due', 'accepted', 'paid', 'overdue', 'written_off', 'disputed', 'adjusted', 'void', 'part_refunded', 'refunded')),
    level             integer     NOT NULL DEFAULT 0, -- reminders so far
    amount            bigint      NOT NULL CONSTRAINT charge_amount_range CHECK (amount BETWEEN 0 AND 1000000000),
    paid              bigint      NOT NULL DEFAULT 0,
    refunded          bigint      NOT NULL DEFAULT 0,
    currency          text        NOT NULL DEFAULT 'CNY',
    channel           text,       -- that accepted to collect it
    is_advanced       boolean     NOT NULL DEFAULT false, -- the channel paid for the driver: he owes the channel
    tariff            text        CONSTRAINT charge_tariff_known REFERENCES billing.tariff (id),
    lines             jsonb       NOT NULL,
    begins            timestamptz NOT NULL, -- the time that it is for
    ends              timestamptz NOT NULL,
    good_until        timestamptz, -- of a quote
    due_at            timestamptz NOT NULL,
    remind_at         timestamptz, -- when the next level is reached; NULL: never
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    CONSTRAINT charge_for_something CHECK ((kind = 'parking') = (session IS NOT NULL)),
    CONSTRAINT charge_for_a_promise CHECK (kind = 'parking' OR reservation IS NOT NULL),
    CONSTRAINT charge_paid_range CHECK (paid BETWEEN 0 AND amount),
    CONSTRAINT charge_refunded_range CHECK (refunded BETWEEN 0 AND paid),
    CONSTRAINT charge_shares CHECK (owner_share_bp + platform_share_bp <= 10000),
    CONSTRAINT charge_owed_by_somebody CHECK (plate IS NOT NULL OR ticket IS NOT NULL)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX charge_promise_once ON billing.charge (reservation, kind) WHERE reservation IS NOT NULL AND state <> 'void';
-- What was paid inside before leaving is one charge, what is left at the exit another; two that are owed there are never.
CREATE UNIQUE INDEX charge_session_once ON billing.charge (session)
    WHERE session IS NOT NULL AND state IN ('due', 'accepted', 'overdue', 'disputed', 'adjusted');
CREATE INDEX charge_session ON billing.charge (session) WHERE session IS NOT NULL;
CREATE INDEX charge_owed ON billing.charge (plate, color) WHERE state IN ('due', 'accepted', 'overdue', 'disputed', 'adjusted');
CREATE INDEX charge_owed_by_ticket ON billing.charge (car_park, ticket)
    WHERE ticket IS NOT NULL AND state IN ('due', 'accepted', 'overdue', 'disputed', 'adjusted');
CREATE INDEX charge_of_vehicle ON billing.charge (plate, color, id DESC) WHERE plate IS NOT NULL;
CREATE INDEX charge_to_remind ON billing.charge (remind_at) WHERE remind_at IS NOT NULL AND state IN ('due', 'overdue');
CREATE INDEX charge_of_car_park ON billing.charge (car_park, id DESC);
CREATE INDEX charge_of_operator ON billing.charge (operator, id DESC);

-- What happened to each charge, in order.
CREATE TABLE billing.charge_event (
    number  bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT charge_event_key PRIMARY KEY,
    charge  text        NOT NULL CONSTRAINT charge_event_charge_known REFERENCES billing.charge (id),
    at      timestamptz NOT NULL,
    kind    text        NOT NULL,
    version integer     NOT NULL,
    actor   text        NOT NULL,
    detail  jsonb       NOT NULL DEFAULT '{}'
);
CREATE INDEX charge_event_charge ON billing.charge_event (charge, number);

-- The ledger: append-only double entry. Debit is positive, credit negative; every journal sums to zero.
CREATE TABLE billing.account (
    id      bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT account_key PRIMARY KEY,
    kind    text   NOT NULL CONSTRAINT account_kind_known CHECK (kind IN
        ('payer', 'operator_pending', 'operator', 'owner', 'platform', 'channel_clearing', 'channel_fee', 'bank', 'bad_debt')),
    holder  text   NOT NULL, -- payer: `plate|color` or `#ticket`; operator, owner, channel: their ids; else ''
    -- Of payers, operators and owners only: the others would be one hot row for everybody, and are summed.
    balance bigint CONSTRAINT account_balance_kept CHECK ((balance IS NOT NULL) = (kind IN ('payer', 'operator', 'owner'))),
    CONSTRAINT account_once UNIQUE (kind, holder)
) WITH (fillfactor = 80);

CREATE TABLE billing.journal (
    id       bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT journal_key PRIMARY KEY,
    key      text        NOT NULL CONSTRAINT journal_once UNIQUE,
    kind     text        NOT NULL,
    at       timestamptz NOT NULL,
    operator text,                 -- whose settlement it belongs to
    charge   text        CONSTRAINT journal_charge_known REFERENCES billing.charge (id),
    detail   jsonb       NOT NULL DEFAULT '{}'
);
CREATE INDEX journal_charge ON billing.journal (charge) WHERE charge IS NOT NULL;
CREATE INDEX journal_of_operator ON billing.journal (operator, at);

CREATE TABLE billing.entry (
    journal bigint NOT NULL CONSTRAINT entry_journal_known REFERENCES billing.journal (id),
    account bigint NOT NULL CONSTRAINT entry_account_known REFERENCES billing.account (id),
    amount  bigint NOT NULL CONSTRAINT entry_moves_something CHECK (amount <> 0),
    CONSTRAINT entry_key PRIMARY KEY (journal, account)
);
CREATE INDEX entry_account ON billing.entry (account, journal);

CREATE FUNCTION billing.journal_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    total numeric;
BEGIN
    SELECT sum(amount) INTO total FROM billing.entry WHERE journal = NEW.journal;
    IF total <> 0 THEN
        RAISE EXCEPTION 'journal % is out by %', NEW.journal, total
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_balanced', SCHEMA = 'billing', TABLE = 'entry';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT ON billing.entry DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION billing.journal_balances();

-- Also for whoever owns the tables: a mistake is put right by another journal.
CREATE FUNCTION billing.is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = 'append_only', SCHEMA = 'billing', TABLE = TG_TABLE_NAME;
END $$;
CREATE TRIGGER journal_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.journal
    FOR EACH STATEMENT EXECUTE FUNCTION billing.is_append_only();
CREATE TRIGGER entry_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.entry
    FOR EACH STATEMENT EXECUTE FUNCTION billing.is_append_only();
CREATE TRIGGER passage_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.passage
    FOR EACH STATEMENT EXECUTE FUNCTION billing.is_append_only();
CREATE TRIGGER charge_event_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.charge_event
    FOR EACH STATEMENT EXECUTE FUNCTION billing.is_append_only();
REVOKE UPDATE, DELETE, TRUNCATE ON billing.journal, billing.entry, billing.passage, billing.charge_event FROM PUBLIC;

-- Money asked of a channel, for one charge or several.
CREATE TABLE billing.payment (
    id           text        CONSTRAINT payment_key PRIMARY KEY,
    version      integer     NOT NULL DEFAULT 1,
    way          text        NOT NULL CONSTRAINT payment_way_known CHECK (way IN ('now', 'later')),
    driver       text,
    plate        text,
    color        text,
    channel      text        NOT NULL,
    out_trade_no text        NOT NULL CONSTRAINT payment_out_trade_no_once UNIQUE,
    amount       bigint      NOT NULL CONSTRAINT payment_amount_range CHECK (amount BETWEEN 1 AND 1000000000),
    -- created: a row, the channel may or may not have heard of it; sent: it answered; accepted: it will pay whatever comes.
    state        text        NOT NULL CONSTRAINT payment_state_known CHECK (state IN ('created', 'sent', 'accepted', 'succeeded', 'failed', 'closed')),
    transaction  text,       -- the channel's own id of it
    action       jsonb,      -- what the driver has to do: {"url", ...}
    error        text,
    is_advanced  boolean     NOT NULL DEFAULT false,
    attempts     integer     NOT NULL DEFAULT 0,
    poll_at      timestamptz, -- NULL: nothing more to find out
    expires_at   timestamptz,
    succeeded_at timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX payment_transaction_once ON billing.payment (channel, transaction) WHERE transaction IS NOT NULL;
CREATE INDEX payment_to_poll ON billing.payment (poll_at) WHERE poll_at IS NOT NULL;
CREATE INDEX payment_of_driver ON billing.payment (driver, id DESC) WHERE driver IS NOT NULL;

CREATE TABLE billing.payment_charge (
    payment text   NOT NULL CONSTRAINT payment_charge_payment_known REFERENCES billing.payment (id),
    charge  text   NOT NULL CONSTRAINT payment_charge_charge_known REFERENCES billing.charge (id),
    amount  bigint NOT NULL CONSTRAINT payment_charge_amount_range CHECK (amount > 0),
    CONSTRAINT payment_charge_key PRIMARY KEY (payment, charge)
);
CREATE INDEX payment_charge_charge ON billing.payment_charge (charge);

-- Money given back through the channel by which it came. `charge` NULL: it was paid too much, and belongs to no charge.
CREATE TABLE billing.refund (
    id            text        CONSTRAINT refund_key PRIMARY KEY,
    version       integer     NOT NULL DEFAULT 1,
    payment       text        NOT NULL CONSTRAINT refund_payment_known REFERENCES billing.payment (id),
    charge        text        CONSTRAINT refund_charge_known REFERENCES billing.charge (id),
    out_refund_no text        NOT NULL CONSTRAINT refund_out_refund_no_once UNIQUE,
    amount        bigint      NOT NULL CONSTRAINT refund_amount_range CHECK (amount BETWEEN 1 AND 1000000000),
    state         text        NOT NULL CONSTRAINT refund_state_known CHECK (state IN ('created', 'sent', 'succeeded', 'failed')),
    reason        text        NOT NULL,
    actor         text        NOT NULL,
    transaction   text,
    error         text,
    attempts      integer     NOT NULL DEFAULT 0,
    poll_at       timestamptz,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX refund_payment ON billing.refund (payment);
CREATE INDEX refund_charge ON billing.refund (charge) WHERE charge IS NOT NULL;
CREATE INDEX refund_to_poll ON billing.refund (poll_at) WHERE poll_at IS NOT NULL;

-- What a channel told, once each; what could not be believed is kept for a person.
CREATE TABLE billing.callback (
    channel     text        NOT NULL,
    id          text        NOT NULL, -- the channel's own
    kind        text        NOT NULL,
    received_at timestamptz NOT NULL,
    outcome     text        NOT NULL CONSTRAINT callback_outcome_known CHECK (outcome IN ('taken', 'known', 'quarantined', 'resolved')),
    reason      text,
    told        jsonb       NOT NULL, -- decrypted
    CONSTRAINT callback_key PRIMARY KEY (channel, id)
);
CREATE INDEX callback_quarantined ON billing.callback (received_at) WHERE outcome = 'quarantined';
