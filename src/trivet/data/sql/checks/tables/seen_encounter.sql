-- one row per encounter, bed stays left out
CREATE OR REPLACE TEMP TABLE seen_encounter AS
SELECT record, person, subject, source, known_seq, status, class, start_at, end_at FROM encounter
