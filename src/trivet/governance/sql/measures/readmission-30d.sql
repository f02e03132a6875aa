-- every inpatient discharge at least 30 days old: did another unplanned inpatient stay of the same person begin within 30 days?
WITH given AS (SELECT CAST(? AS JSON) AS g),
stay AS (
  SELECT person, record, start_at, end_at, priority
  FROM encounter
  WHERE until_seq IS NULL AND person IS NOT NULL AND class IN ('IMP', 'ACUTE', 'NONAC') AND start_at IS NOT NULL
),
discharge AS (
  SELECT stay.person, stay.record, stay.end_at
  FROM given, stay
  WHERE stay.end_at <= CAST(CAST(g ->> 'now' AS TIMESTAMPTZ) AS TIMESTAMP) - INTERVAL 30 DAY
)
SELECT discharge.record AS "case", strftime(discharge.end_at, '%Y-%m-%dT%H:%M:%S.000000Z') AS happened_at,
  count(again.record) > 0 AS outcome, min(again.record) AS because
FROM discharge LEFT JOIN stay AS again ON again.person = discharge.person AND again.record <> discharge.record
  AND again.start_at > discharge.end_at AND again.start_at <= discharge.end_at + INTERVAL 30 DAY AND coalesce(again.priority, '') <> 'EL'
GROUP BY discharge.record, discharge.end_at
ORDER BY discharge.end_at, discharge.record
