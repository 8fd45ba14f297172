-- Times are milliseconds since 1970-01-01 UTC. Every query names the tenant.

CREATE TABLE batch (
    batch_no    INTEGER PRIMARY KEY,           -- ascending in the order in which uploads began; internal
    tenant      TEXT    NOT NULL,
    id          TEXT    NOT NULL CHECK (length(id) BETWEEN 1 AND 63),
    name        TEXT,
    metadata    BLOB,                          -- the client's JSON, unparsed
    fingerprint BLOB    NOT NULL,              -- of the request that made it: tells a repetition from a clash
    timeout_ms  INTEGER NOT NULL CHECK (timeout_ms >= 0),
    state       TEXT    NOT NULL CHECK (state IN ('open', 'running', 'paused', 'cancelling', 'ended')),
    outcome     TEXT             CHECK (outcome IN ('succeeded', 'partial', 'failed', 'cancelled', 'expired', 'incomplete')),
    total       INTEGER NOT NULL CHECK (total >= 0),
    succeeded   INTEGER NOT NULL CHECK (succeeded >= 0),
    failed      INTEGER NOT NULL CHECK (failed >= 0),
    cancelled   INTEGER NOT NULL CHECK (cancelled >= 0),
    expired     INTEGER NOT NULL CHECK (expired >= 0),
    created_at  INTEGER NOT NULL,
    started_at  INTEGER,
    ended_at    INTEGER,
    expires_at  INTEGER,
    UNIQUE (tenant, id),
    CHECK (succeeded + failed + cancelled + expired <= total),
    CHECK (state <> 'ended' OR succeeded + failed + cancelled + expired = total),
    CHECK ((state = 'ended') = (outcome IS NOT NULL)),
    CHECK ((state = 'ended') = (ended_at IS NOT NULL)),
    CHECK ((state = 'ended') = (expires_at IS NOT NULL))
) STRICT;

-- Lists of one tenant do not pass over the batches of the others.
CREATE INDEX batch_of_tenant ON batch (tenant, batch_no);
-- What is not ended is what feeders look for; what is ended is what retention looks for.
CREATE INDEX batch_unfinished ON batch (batch_no) WHERE state <> 'ended';
CREATE INDEX batch_expiring ON batch (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX batch_named ON batch (tenant, name, batch_no) WHERE name IS NOT NULL;

-- The hot part of a segment, a few bytes: how many of its jobs have no outcome, and the epoch that may record them.
CREATE TABLE segment (
    tenant      TEXT    NOT NULL,
    batch_no    INTEGER NOT NULL,
    first_index INTEGER NOT NULL CHECK (first_index >= 0),
    jobs        INTEGER NOT NULL CHECK (jobs BETWEEN 1 AND 256),
    open        INTEGER NOT NULL CHECK (open BETWEEN 0 AND jobs),
    epoch       INTEGER NOT NULL,
    PRIMARY KEY (tenant, batch_no, first_index)
) STRICT, WITHOUT ROWID;

-- The inputs of a segment, written once: apart, so that counting down does not rewrite them.
CREATE TABLE segment_input (
    tenant      TEXT    NOT NULL,
    batch_no    INTEGER NOT NULL,
    first_index INTEGER NOT NULL,
    data        BLOB    NOT NULL,
    PRIMARY KEY (tenant, batch_no, first_index)
) STRICT;

-- The outcomes of one segment that one commit brought: result lines as clients get them, in the order of completion.
CREATE TABLE outcome_block (
    tenant      TEXT    NOT NULL,
    batch_no    INTEGER NOT NULL,
    segment     INTEGER NOT NULL,              -- first_index of the segment
    first_seq   INTEGER NOT NULL CHECK (first_seq >= 1),
    directory   BLOB    NOT NULL,              -- 6 bytes a line: place in the segment, state, length
    lines       BLOB    NOT NULL,
    PRIMARY KEY (tenant, batch_no, segment, first_seq),
    UNIQUE (tenant, batch_no, first_seq)
) STRICT;

-- Segments whose batch is not there: not yet (an upload that is still arriving) or no longer (to be swept).
CREATE TABLE unowned (
    batch_no    INTEGER PRIMARY KEY,
    tenant      TEXT    NOT NULL,
    uploading   INTEGER NOT NULL CHECK (uploading IN (0, 1))
) STRICT;
