-- length of the stay in days up to its end or the instant, and whether the admission was acute
WITH whole AS (
  SELECT case_id, min(start_at) AS begun, coalesce(max(end_at), max(instant)) AS ended,
    arg_min({'record': record, 'version': version, 'path': 'period.start'}, (start_at, record)) AS first_fact,
    arg_max({'record': record, 'version': version, 'path': 'period.end'}, (end_at, record)) FILTER (WHERE end_at IS NOT NULL) AS last_fact
  FROM index_stay GROUP BY case_id
),
urgency AS (
  SELECT s.case_id, CAST(u.acute AS DOUBLE) AS acute, s.start_at, s.record, s.version, t.coding.path AS path
  FROM index_stay AS s CROSS JOIN unnest(s.types) AS t(coding) JOIN admission_type AS u ON u.system = t.coding.system AND u.code = t.coding.code
)
SELECT case_id, 'los_days' AS feature, CAST(epoch_us(ended) - epoch_us(begun) AS DOUBLE) / 86400000000.0 AS value, ended AS newest_at, CAST(NULL AS VARCHAR) AS why,
  list_filter([first_fact, last_fact], lambda f: f IS NOT NULL) AS facts
FROM whole
UNION ALL
SELECT case_id, 'acute', max(acute), max(start_at), NULL, list({'record': record, 'version': version, 'path': path} ORDER BY record, version, path)
FROM urgency GROUP BY case_id
