-- Those who do not speak our MQTT format: signed pushes over HTTP, and cameras whose word is kept before it is understood.

-- A nonce is used once within the time in which its request would be believed.
CREATE TABLE gateway.nonce (
    key        text        NOT NULL,
    nonce      text        NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT nonce_once PRIMARY KEY (key, nonce)
);
CREATE INDEX nonce_expires ON gateway.nonce (expires_at);

-- A camera's request as it came, without its pictures: kept before the camera is told 200, gone in the transaction that
-- records it. `pictures` is [{"name", "bytes", "sha256"}].
CREATE TABLE gateway.spool (
    id            text        CONSTRAINT spool_key PRIMARY KEY,
    device        text        NOT NULL,
    event         bytea       NOT NULL,
    event_bytes   integer     NOT NULL,
    pictures      jsonb       NOT NULL,
    received_at   timestamptz NOT NULL,
    CONSTRAINT spool_event_bounded CHECK (octet_length(event) <= 65536)
);
CREATE INDEX spool_device ON gateway.spool (device);

-- A key for one device: what a camera carries in its address opens nothing else.
ALTER TABLE registry.api_key ADD COLUMN device text
    CONSTRAINT api_key_device_known REFERENCES registry.device (id) ON DELETE CASCADE;
ALTER TABLE registry.api_key ADD CONSTRAINT api_key_device_ingests CHECK (device IS NULL OR scopes = '{ingest}');
CREATE INDEX api_key_device ON registry.api_key (device) WHERE device IS NOT NULL;
