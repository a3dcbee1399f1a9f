-- What came back about returns that were sent; and when the policy decided that one be sent once more.

CREATE TABLE answer (
    consignment TEXT PRIMARY KEY NOT NULL REFERENCES consignment (id),
    kind        TEXT NOT NULL,
    authority   TEXT NOT NULL,
    month       TEXT NOT NULL,
    answer      TEXT NOT NULL,
    status      TEXT,
    earlier     INTEGER NOT NULL DEFAULT 0 CHECK (earlier IN (0, 1)), -- about an attempt before the last one
    entry       INTEGER NOT NULL
) STRICT;
CREATE INDEX answer_by_return ON answer (kind, authority, month);

ALTER TABLE submission ADD COLUMN resent_at INTEGER;
CREATE INDEX submission_by_message_id ON submission (json_extract(sealed, '$.message_id')) WHERE sealed IS NOT NULL;
