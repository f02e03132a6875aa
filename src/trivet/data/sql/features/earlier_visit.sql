-- visits before the stay: emergency visits of six months (whatever became of them: a visit that began in the emergency department counts
-- even where the record later says inpatient), inpatient stays of twelve months; one visit told by several systems within twelve hours is one
WITH begun AS (SELECT case_id, min(start_at) AS begun FROM index_stay GROUP BY case_id),
told AS (
  SELECT c.case_id, 'ed_visits_6m' AS feature, e.start_at, e.record, e.version
  FROM cohort AS c JOIN begun AS b USING (case_id)
  JOIN encounter AS e ON e.person = c.person AND e.class = 'EMER' AND e.known_seq <= c.as_of
    AND e.start_at >= b.begun - to_days(182) AND e.start_at < b.begun - to_hours(24)
  WHERE coalesce(e.status, '') NOT IN ('cancelled', 'entered-in-error', 'planned')
  UNION ALL
  SELECT c.case_id, 'stays_12m', e.start_at, e.record, e.version
  FROM cohort AS c JOIN begun AS b USING (case_id)
  JOIN encounter AS e ON e.person = c.person AND stood(e.known_seq, e.until_seq, c.as_of)
    AND e.start_at >= b.begun - to_days(365) AND e.start_at < b.begun - to_hours(12)
  JOIN inpatient_class AS i ON i.item = e.class
  WHERE coalesce(e.status, '') NOT IN ('cancelled', 'entered-in-error', 'planned')
),
once AS (
  SELECT * FROM told
  QUALIFY row_number() OVER (PARTITION BY case_id, feature, record ORDER BY version) = 1
),
marked AS (
  SELECT *, CAST(coalesce(start_at - lag(start_at) OVER (PARTITION BY case_id, feature ORDER BY start_at, record) > to_hours(12), true) AS INTEGER) AS opens
  FROM once
)
SELECT case_id, feature, CAST(sum(opens) AS DOUBLE) AS value, max(start_at) AS newest_at, CAST(NULL AS VARCHAR) AS why,
  list({'record': record, 'version': version, 'path': 'class.code'} ORDER BY start_at, record) AS facts
FROM marked GROUP BY case_id, feature
