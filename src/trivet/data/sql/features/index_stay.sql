-- the stay a case is about: the newest inpatient encounter begun by the instant, in the words of every source; encounters that begin
-- within twelve hours before it are the same stay in another system. One row for each record
SELECT case_id, instant, record, version, start_at, CASE WHEN end_at <= instant THEN end_at END AS end_at, types, location
FROM visit
WHERE stands AND class IN (SELECT item FROM inpatient_class)
QUALIFY start_at >= max(start_at) OVER (PARTITION BY case_id) - to_hours(12)
