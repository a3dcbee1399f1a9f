-- Transfers may be held as `infected`, and wait for the virus scanner (`scanner-silent`, `scanner-limit`). An earlier program
-- cannot read these words, so the store is of another version, and such a program says so before it begins.
SELECT 1;
