-- Whether the upload of a batch broke off after the batch had started: then it ends as incomplete.
ALTER TABLE batch ADD COLUMN broken INTEGER NOT NULL DEFAULT 0 CHECK (broken IN (0, 1));

-- Keys that make a repeated submission harmless. Written with the batch that they stand for.
CREATE TABLE idempotency_key (
    tenant      TEXT    NOT NULL,
    key         TEXT    NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    batch_no    INTEGER NOT NULL,
    batch_id    TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,              -- of the request: tells a repetition from another request
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER,                       -- null while the batch is there
    PRIMARY KEY (tenant, key)
) STRICT;

CREATE INDEX idempotency_key_of_batch ON idempotency_key (tenant, batch_no);
CREATE INDEX idempotency_key_expiring ON idempotency_key (expires_at) WHERE expires_at IS NOT NULL;
