-- When a person last ordered that a return be sent, whatever its transfer date.

ALTER TABLE submission ADD COLUMN ordered_at INTEGER;
