//! DWP's timetable of returns for one year: who sends what on which day.
