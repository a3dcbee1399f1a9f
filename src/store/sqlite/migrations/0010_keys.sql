-- What people decided about keys, each decision as its entry tells it, and the transfers that an exception let in.

CREATE TABLE key_step (
    entry       INTEGER PRIMARY KEY NOT NULL,
    at          INTEGER NOT NULL,
    step        TEXT NOT NULL,
    concludes   INTEGER UNIQUE,
    certificate BLOB
) STRICT;

CREATE TABLE exception_use (
    exception   INTEGER NOT NULL,
    consignment TEXT NOT NULL,
    entry       INTEGER NOT NULL,
    PRIMARY KEY (exception, consignment)
) STRICT, WITHOUT ROWID;

-- What was accepted by one signer is asked for when a key is compromised.
CREATE INDEX consignment_by_signer ON consignment (signer, received_at) WHERE signer IS NOT NULL;
