-- When a client asked for the batch to be cancelled; from then on none of its jobs starts.
ALTER TABLE batch ADD COLUMN cancel_requested_at INTEGER;
