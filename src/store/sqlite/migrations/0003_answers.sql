-- What came back about returns that were sent; when the policy decided that one be sent once more; mails by their bytes.

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
-- What is damaged is found by verification, and must not keep the rest from being read.
CREATE INDEX submission_by_message_id ON submission
    (CASE WHEN json_valid(sealed) THEN json_extract(sealed, '$.message_id') END) WHERE sealed IS NOT NULL;

CREATE INDEX consignment_by_bytes ON consignment (source, sealed_digest);
