-- What the HTTP edge remembers: an answer once given under an idempotency key is given again, byte for byte.
CREATE TABLE kernel.idempotency (
    principal   text        NOT NULL,
    route       text        NOT NULL,
    key         text        NOT NULL,
    body_sha256 bytea       NOT NULL,
    status      integer     NOT NULL,
    headers     jsonb       NOT NULL,
    answer      bytea       NOT NULL,
    created_at  timestamptz NOT NULL,
    CONSTRAINT idempotency_key PRIMARY KEY (principal, route, key)
);
CREATE INDEX idempotency_created_at ON kernel.idempotency (created_at);
