-- one row per Patient record
CREATE OR REPLACE TEMP TABLE seen_patient AS
SELECT record, person, source, known_seq, upper(family) AS family, upper(given) AS given, birth_date, gender, deceased_at FROM patient
