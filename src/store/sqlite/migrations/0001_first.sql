-- Times are nanoseconds since 1970-01-01T00:00Z. `entry` is the ledger entry by which a row got its present state.

CREATE TABLE ledger (
    seq  INTEGER PRIMARY KEY CHECK (seq >= 0),
    line BLOB NOT NULL,                                -- the exact bytes that were hashed
    root BLOB NOT NULL CHECK (length(root) = 32)       -- the tree's root with this entry as its last
) STRICT;

CREATE TRIGGER ledger_is_never_rewritten BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;
CREATE TRIGGER ledger_is_never_shortened BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;

CREATE TABLE tree (
    only  INTEGER PRIMARY KEY CHECK (only = 0),
    size  INTEGER NOT NULL CHECK (size >= 0),
    peaks BLOB NOT NULL CHECK (length(peaks) % 32 = 0),
    root  BLOB NOT NULL CHECK (length(root) = 32)
) STRICT;
-- The root of no entries is SHA-256 of nothing (RFC 6962 §2.1).
INSERT INTO tree VALUES (0, 0, x'', x'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');

CREATE TABLE consignment (
    id            TEXT PRIMARY KEY NOT NULL,
    source        TEXT NOT NULL,
    authority     TEXT NOT NULL,
    received_at   INTEGER NOT NULL,
    sealed_digest BLOB NOT NULL CHECK (length(sealed_digest) = 32),
    sealed_bytes  INTEGER NOT NULL CHECK (sealed_bytes >= 0),
    native        BLOB NOT NULL CHECK (length(native) = 32),
    name          BLOB NOT NULL CHECK (length(name) = 32),
    signer        TEXT,
    revision      INTEGER NOT NULL CHECK (revision >= 0),
    standing      TEXT NOT NULL,
    word          TEXT NOT NULL,
    due_at        INTEGER,
    entry         INTEGER NOT NULL
) STRICT;
CREATE INDEX consignment_by_sighting ON consignment (source, native);
CREATE INDEX consignment_by_due ON consignment (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX consignment_by_age ON consignment (received_at, id);
CREATE INDEX consignment_by_word ON consignment (word, received_at);

CREATE TABLE delivery (
    consignment TEXT NOT NULL REFERENCES consignment (id),
    part        INTEGER NOT NULL CHECK (part >= 0),
    id          TEXT NOT NULL,
    kind        TEXT NOT NULL,
    digest      BLOB NOT NULL CHECK (length(digest) = 32),
    bytes       INTEGER NOT NULL CHECK (bytes >= 0),
    destination TEXT NOT NULL,
    path        BLOB NOT NULL,
    place       TEXT,
    published   INTEGER NOT NULL CHECK (published IN (0, 1)),
    PRIMARY KEY (consignment, part, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE accepted (
    content     BLOB NOT NULL CHECK (length(content) = 32),
    authority   TEXT NOT NULL,
    consignment TEXT NOT NULL REFERENCES consignment (id),
    PRIMARY KEY (content, authority)
) STRICT, WITHOUT ROWID;
CREATE INDEX accepted_by_consignment ON accepted (consignment);

CREATE TABLE submission (
    kind         TEXT NOT NULL,
    authority    TEXT NOT NULL,
    month        TEXT NOT NULL,
    extract_from TEXT,
    transfer_on  TEXT NOT NULL,
    revision     INTEGER NOT NULL CHECK (revision >= 0),
    stage        TEXT NOT NULL,
    word         TEXT NOT NULL,
    open         INTEGER NOT NULL CHECK (open IN (0, 1)),
    sealed       TEXT,
    content      BLOB CHECK (length(content) = 32),
    entry        INTEGER NOT NULL,
    PRIMARY KEY (kind, authority, month)
) STRICT;
CREATE INDEX submission_by_date ON submission (open, transfer_on);
CREATE INDEX submission_by_content ON submission (content, kind, authority) WHERE content IS NOT NULL;

CREATE TABLE name (
    commitment BLOB PRIMARY KEY NOT NULL CHECK (length(commitment) = 32),
    salt       BLOB NOT NULL CHECK (length(salt) = 16),
    clear      TEXT NOT NULL,
    entry      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE alarm (
    about TEXT PRIMARY KEY NOT NULL,
    code  TEXT NOT NULL,
    says  TEXT NOT NULL,
    next  TEXT NOT NULL,
    since INTEGER NOT NULL
) STRICT;

CREATE TABLE in_service (
    authority TEXT PRIMARY KEY NOT NULL,
    since     TEXT NOT NULL
) STRICT;
