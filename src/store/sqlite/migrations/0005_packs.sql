-- What packs brought: how much of what, and MI workbooks from their delivery until a person closes them.

CREATE TABLE volume (
    consignment TEXT NOT NULL REFERENCES consignment (id),
    part        INTEGER NOT NULL CHECK (part >= 0),
    subject     TEXT NOT NULL,
    count       INTEGER CHECK (count >= 0),
    PRIMARY KEY (consignment, part, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE workbook (
    authority   TEXT NOT NULL,
    month       TEXT NOT NULL,
    consignment TEXT NOT NULL REFERENCES consignment (id),
    delivery    TEXT NOT NULL UNIQUE,
    opened_at   INTEGER NOT NULL,
    closed_at   INTEGER,
    PRIMARY KEY (authority, month)
) STRICT, WITHOUT ROWID;

-- When it last was found to be sent.
ALTER TABLE submission ADD COLUMN sent_at INTEGER;

CREATE INDEX delivery_of_workbook ON delivery (consignment) WHERE kind = 'hbms-mi';
