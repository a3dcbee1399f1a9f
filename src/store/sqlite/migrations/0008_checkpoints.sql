-- The tree's inner nodes, in the order in which their subtrees became complete (level by level where several do at once).

CREATE TABLE node (
    place INTEGER PRIMARY KEY CHECK (place >= 0),
    hash  BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- Signed heads of the ledger, and where each left to.

CREATE TABLE checkpoint (
    size  INTEGER PRIMARY KEY CHECK (size > 0),      -- entries it is over
    root  BLOB NOT NULL CHECK (length(root) = 32),
    note  TEXT NOT NULL,                             -- the signed note, as it was signed
    at    INTEGER NOT NULL,
    entry INTEGER NOT NULL
) STRICT;

CREATE TABLE checkpoint_left (
    recipient TEXT NOT NULL,
    size      INTEGER NOT NULL REFERENCES checkpoint (size),
    at        INTEGER NOT NULL,
    entry     INTEGER NOT NULL,
    PRIMARY KEY (recipient, size)
) STRICT, WITHOUT ROWID;
