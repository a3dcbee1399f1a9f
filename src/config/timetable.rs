//! Timetables as data: the bundled ones and those an operator adds.
