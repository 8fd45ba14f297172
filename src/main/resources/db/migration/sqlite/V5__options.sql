-- What a client may say of a batch as a whole. 0 stands for: nothing is said.
ALTER TABLE batch ADD COLUMN on_error TEXT NOT NULL DEFAULT 'continue'
    CHECK (on_error IN ('continue', 'cancel_rest')
        OR (on_error GLOB 'tolerate:[0-9]*' AND on_error NOT GLOB 'tolerate:*[^0-9]*')
        OR (on_error GLOB 'tolerate_percent:[0-9]*' AND on_error NOT GLOB 'tolerate_percent:*[^0-9]*'));
ALTER TABLE batch ADD COLUMN max_attempts INTEGER NOT NULL DEFAULT 0 CHECK (max_attempts BETWEEN 0 AND 100);
ALTER TABLE batch ADD COLUMN max_concurrency INTEGER NOT NULL DEFAULT 0
    CHECK (max_concurrency BETWEEN 0 AND 1000000);
-- From then on none of its jobs starts: by the wall clock, for people and for the next process; and by the steady clock of
-- this process, which starts at the wall clock's time and is never set.
ALTER TABLE batch ADD COLUMN deadline_at INTEGER CHECK (deadline_at > created_at);
ALTER TABLE batch ADD COLUMN due_at INTEGER CHECK ((due_at IS NULL) = (deadline_at IS NULL));

-- Why none of its jobs starts any more: the first reason stands.
ALTER TABLE batch ADD COLUMN stop_reason TEXT CHECK (stop_reason IN ('cancel', 'on_error', 'deadline'));
UPDATE batch SET stop_reason = 'cancel' WHERE cancel_requested_at IS NOT NULL;

-- Ids of the batches that this one repeats or goes on from; those may be gone.
ALTER TABLE batch ADD COLUMN retry_of TEXT CHECK (length(retry_of) BETWEEN 1 AND 63);
ALTER TABLE batch ADD COLUMN continuation_of TEXT CHECK (length(continuation_of) BETWEEN 1 AND 63);

-- Whose time may come.
CREATE INDEX batch_due ON batch (due_at) WHERE due_at IS NOT NULL AND stop_reason IS NULL AND state <> 'ended';

-- The transitions of BatchState: whatever changes the state of a batch, it goes no other way.
CREATE TRIGGER batch_transition BEFORE UPDATE OF state ON batch
WHEN old.state <> new.state AND NOT (
    (old.state = 'open' AND new.state IN ('running', 'cancelling'))
    OR (old.state = 'running' AND new.state IN ('paused', 'cancelling', 'ended'))
    OR (old.state = 'paused' AND new.state IN ('running', 'cancelling', 'ended'))
    OR (old.state = 'cancelling' AND new.state = 'ended'))
BEGIN
    SELECT RAISE(ABORT, 'no such transition of a batch');
END;
