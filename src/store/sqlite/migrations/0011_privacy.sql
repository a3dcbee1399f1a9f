-- What was erased, by which entry, and what must not be. Whose each name is, so that all of a transfer's can be erased.

CREATE TABLE original_erased (
    about TEXT PRIMARY KEY NOT NULL,                   -- a transfer's id, or a return's key
    entry INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE names_erased (
    consignment TEXT PRIMARY KEY NOT NULL REFERENCES consignment (id),
    entry       INTEGER NOT NULL,
    rewritten   INTEGER NOT NULL DEFAULT 0 CHECK (rewritten IN (0, 1)) -- no page has the names in it any more
) STRICT, WITHOUT ROWID;
CREATE INDEX names_to_rewrite ON names_erased (consignment) WHERE rewritten = 0;

CREATE TABLE legal_hold (
    about TEXT PRIMARY KEY NOT NULL,                   -- as above, or an LA number
    since INTEGER NOT NULL,
    entry INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE name ADD COLUMN consignment TEXT;
UPDATE name SET consignment = (
    SELECT CASE WHEN json_valid(CAST(line AS TEXT)) THEN json_extract(CAST(line AS TEXT), '$.transfer') END
    FROM ledger WHERE seq = name.entry
);
CREATE INDEX name_by_consignment ON name (consignment);

-- Who chose its name: ours, senders, erased. Unknown of deliveries of earlier versions.
ALTER TABLE delivery ADD COLUMN naming TEXT;
