-- Timetables that a person activated, each with its text. The latest of a year is in force.

CREATE TABLE timetable (
    entry  INTEGER PRIMARY KEY NOT NULL,
    year   TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    text   TEXT NOT NULL
) STRICT;
CREATE INDEX timetable_by_year ON timetable (year, entry);
