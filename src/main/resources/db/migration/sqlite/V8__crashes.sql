-- Jobs that ran when a process died, and have had no end since; the row goes with the end of their next run.
CREATE TABLE suspect (
    tenant      TEXT    NOT NULL,
    batch_no    INTEGER NOT NULL,
    job_index   INTEGER NOT NULL CHECK (job_index >= 0),
    crashes     INTEGER NOT NULL CHECK (crashes BETWEEN 1 AND 3),
    PRIMARY KEY (tenant, batch_no, job_index)
) STRICT, WITHOUT ROWID;

-- The process whose end was counted last, so that none is counted twice.
CREATE TABLE crash (
    run         INTEGER PRIMARY KEY
) STRICT;

-- From here on inputs and outcomes have a checksum behind their bytes. What is older has none: batches up to that number.
CREATE TABLE sealed (
    after_batch_no INTEGER NOT NULL
) STRICT;

INSERT INTO sealed
SELECT max(coalesce((SELECT max(batch_no) FROM batch), 0), coalesce((SELECT max(batch_no) FROM segment), 0));
