-- Outcomes take a fifth of the room: their values as they are, all else packed. Lines are made when they are read.
-- A table made anew, so that what is large stands last in its rows: who reads what stands before it does not read it.
ALTER TABLE outcome_block RENAME TO outcome_lines;

CREATE TABLE outcome_block (
    tenant      TEXT    NOT NULL,
    batch_no    INTEGER NOT NULL,
    segment     INTEGER NOT NULL,              -- first_index of the segment
    first_seq   INTEGER NOT NULL CHECK (first_seq >= 1),
    directory   BLOB    NOT NULL,              -- 6 bytes an outcome: place in the segment, state, length of its value
    facts       BLOB,                          -- times, kinds, workers; null if the values are whole result lines
    outcomes    BLOB    NOT NULL,              -- the values: outputs, or problems; in the order of completion
    PRIMARY KEY (tenant, batch_no, segment, first_seq),
    UNIQUE (tenant, batch_no, first_seq)
) STRICT;

INSERT INTO outcome_block (tenant, batch_no, segment, first_seq, directory, facts, outcomes)
SELECT tenant, batch_no, segment, first_seq, directory, NULL, lines FROM outcome_lines ORDER BY rowid;

DROP TABLE outcome_lines;
