-- medicines that are active at the instant, each once
WITH taken AS (
  SELECT c.case_id, m.record, m.version, m.authored_at, coalesce(m.code, m.display) AS medicine
  FROM cohort AS c
  JOIN medication_request AS m ON m.person = c.person AND stood(m.known_seq, m.until_seq, c.as_of) AND m.authored_at <= c.instant
  WHERE m.status = 'active'
)
SELECT case_id, 'medicines' AS feature, CAST(count(DISTINCT medicine) AS DOUBLE) AS value, max(authored_at) AS newest_at, CAST(NULL AS VARCHAR) AS why,
  list({'record': record, 'version': version, 'path': 'status'} ORDER BY record, version) AS facts
FROM taken GROUP BY case_id
