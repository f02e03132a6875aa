-- the beds of the stay, as bed management knows them at the instant
SELECT c.case_id, b.record, b.version, b.start_at, b.location
FROM cohort AS c
JOIN (SELECT case_id, min(start_at) AS begun FROM index_stay GROUP BY case_id) AS s USING (case_id)
JOIN bed_stay AS b ON b.person = c.person AND b.start_at <= c.instant AND b.start_at >= s.begun - to_hours(12) AND stood(b.known_seq, b.until_seq, c.as_of)
