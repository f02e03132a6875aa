-- every coding that records bear: how often, and the first and last day of the events
WITH coded AS (
  SELECT unnest(codes) AS c, taken_at AS day FROM measurement
  UNION ALL SELECT unnest(codes), onset_at FROM condition
  UNION ALL SELECT unnest(codes), performed_at FROM procedure
  UNION ALL SELECT unnest(codes), authored_at FROM medication_request
)
SELECT c.system AS system, c.code AS code, count(*) AS uses, CAST(CAST(min(day) AS DATE) AS VARCHAR) AS first_day, CAST(CAST(max(day) AS DATE) AS VARCHAR) AS last_day
FROM coded WHERE c.system IS NOT NULL AND c.code IS NOT NULL GROUP BY ALL ORDER BY system, code
