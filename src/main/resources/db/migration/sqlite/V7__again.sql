-- A batch made of some jobs of another keeps their indexes, so its segments may have gaps: the number of places from the
-- first to the last job, and a bit for each that has one. Null without gaps.
ALTER TABLE segment ADD COLUMN span INTEGER CHECK (span BETWEEN 2 AND 256);
ALTER TABLE segment ADD COLUMN places BLOB CHECK ((places IS NULL) = (span IS NULL));
-- The index after that of the last job; null where indexes go from 0 to total - 1.
ALTER TABLE batch ADD COLUMN index_end INTEGER CHECK (index_end >= total);

-- Batches to come when one ends: made of this and deleted here in the transaction that ends it.
CREATE TABLE continuation (
    tenant      TEXT    NOT NULL,
    batch_no    INTEGER NOT NULL,              -- of the batch that has to end first
    id          TEXT    NOT NULL CHECK (length(id) BETWEEN 1 AND 63),
    jobs        INTEGER NOT NULL CHECK (jobs BETWEEN 1 AND 256),
    data        BLOB    NOT NULL,              -- packed as a segment; inputs lack their end, which tells of that batch
    PRIMARY KEY (tenant, batch_no, id)
) STRICT, WITHOUT ROWID;
