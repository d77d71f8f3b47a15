-- Several gateways: who holds which client id at the broker, and which operators each of them has subscribed to.

-- A lease by the database's clock: whoever does not renew it loses it. `term` grows with every claim and is what a renewal
-- must name; `session` is the application_name of the holder's database sessions; no holder: given back.
CREATE TABLE gateway.slot (
    client_id  text        CONSTRAINT slot_key PRIMARY KEY,
    term       bigint      NOT NULL DEFAULT 0,
    holder     text,
    session    text        NOT NULL DEFAULT '',
    until      timestamptz NOT NULL DEFAULT now(),
    claimed_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- What the broker has consented to: from then on it keeps the operator's messages for this client id. Whoever hears
-- strangers leaves these operators to it.
CREATE TABLE gateway.subscription (
    client_id text        CONSTRAINT subscription_slot REFERENCES gateway.slot,
    operator  text,
    since     timestamptz NOT NULL,
    CONSTRAINT subscription_key PRIMARY KEY (client_id, operator)
);
