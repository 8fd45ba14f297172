-- Jobs that have failed and are tried again. The row goes with the job's outcome.
CREATE TABLE attempt (
    tenant      TEXT    NOT NULL,
    batch_no    INTEGER NOT NULL,
    job_index   INTEGER NOT NULL CHECK (job_index >= 0),
    attempts    INTEGER NOT NULL CHECK (attempts >= 1),    -- made so far
    started_at  INTEGER NOT NULL,                          -- of the last one
    duration_ms INTEGER NOT NULL CHECK (duration_ms >= 0), -- of the last one
    target      TEXT,                                      -- what it calls: a host and its port
    due_at      INTEGER,                                   -- of the next one; null while it is on its way or running
    PRIMARY KEY (tenant, batch_no, job_index)
) STRICT, WITHOUT ROWID;

CREATE INDEX attempt_due ON attempt (tenant, batch_no, due_at) WHERE due_at IS NOT NULL;
