-- a standard code that was retired, or not yet in force, on the day of the event; only systems that are loaded are spoken of
WITH coded AS (
  SELECT record, person, known_seq, unnest(codes) AS c, taken_at AS at FROM measurement
  UNION ALL SELECT record, person, known_seq, unnest(codes), onset_at FROM condition
  UNION ALL SELECT record, person, known_seq, unnest(codes), performed_at FROM procedure
  UNION ALL SELECT record, person, known_seq, unnest(codes), authored_at FROM medication_request
)
SELECT o.record, o.person, o.known_seq,
  coalesce(CASE WHEN l.until <> '' THEN strftime(o.at, '%Y-%m-%d') > l.until ELSE NOT l.active END, false)
    OR coalesce(l.since <> '' AND strftime(o.at, '%Y-%m-%d') < l.since, false) AS breaks,
  'code ' || o.c.code || CASE WHEN l.since <> '' OR l.until <> '' THEN ' is in force from ' || l.since || ' to ' || l.until ELSE ' is retired in ' || s.version END AS why
FROM coded AS o JOIN loaded_system AS s ON s.system = o.c.system LEFT JOIN code_life AS l ON l.system = o.c.system AND l.code = o.c.code
