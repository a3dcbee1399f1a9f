-- What people approved of what is held now, and the releases that transfers carry. Both end as soon as the transfer moves on.

CREATE TABLE approval (
    consignment TEXT NOT NULL REFERENCES consignment (id),
    uid         INTEGER NOT NULL CHECK (uid >= 0),
    name        TEXT NOT NULL,
    at          INTEGER NOT NULL,
    sealed      BLOB NOT NULL CHECK (length(sealed) = 32),
    waives      TEXT NOT NULL,
    policy      BLOB NOT NULL CHECK (length(policy) = 32),
    entry       INTEGER NOT NULL,
    PRIMARY KEY (consignment, uid)
) STRICT, WITHOUT ROWID;

CREATE TABLE release (
    consignment TEXT PRIMARY KEY NOT NULL REFERENCES consignment (id),
    waives      TEXT NOT NULL,
    entry       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
