-- Transfers and returns may wait for a folder that does not answer (`destination-hangs`). An earlier program cannot read
-- that word, so the store is of another version, and such a program says so before it begins.
SELECT 1;
