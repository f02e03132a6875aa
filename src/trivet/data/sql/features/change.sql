-- how a reading moved: the newest minus the earliest within `over` seconds before it
WITH span AS (
  SELECT n.case_id, m.feature, n.taken_at, n.number, n.record, n.version, n.path, r.number AS was, r.record AS was_record, r.version AS was_version, r.path AS was_path
  FROM newest AS n
  JOIN feature_change AS m ON m.source = n.feature
  JOIN reading AS r ON r.case_id = n.case_id AND r.feature = n.feature AND r.taken_at < n.taken_at AND r.taken_at >= n.taken_at - to_seconds(m.over)
  WHERE n.number IS NOT NULL AND r.number IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY n.case_id, m.feature ORDER BY r.taken_at, r.known_seq, r.record, r.version, r.path) = 1
)
SELECT case_id, feature, number - was AS value, taken_at AS newest_at, CAST(NULL AS VARCHAR) AS why,
  [{'record': record, 'version': version, 'path': path}, {'record': was_record, 'version': was_version, 'path': was_path}] AS facts
FROM span
