-- visits before the stay: emergency visits of six months (whatever became of them: a visit that began in the emergency department counts
-- even where the record later says inpatient), inpatient stays of twelve months; one visit told by several systems within twelve hours is one
WITH begun AS (SELECT case_id, min(start_at) AS begun FROM index_stay GROUP BY case_id),
told AS (
  SELECT v.case_id, CASE WHEN v.class = 'EMER' THEN 'ed_visits_6m' ELSE 'stays_12m' END AS feature, v.start_at, v.record, v.version
  FROM visit AS v JOIN begun AS b USING (case_id)
  WHERE (v.class = 'EMER' AND v.start_at >= b.begun - to_days(182) AND v.start_at < b.begun - to_hours(24))
    OR (v.stands AND v.class IN (SELECT item FROM inpatient_class) AND v.start_at >= b.begun - to_days(365) AND v.start_at < b.begun - to_hours(12))
  QUALIFY row_number() OVER (PARTITION BY v.case_id, feature, v.record ORDER BY v.version) = 1
),
marked AS (
  SELECT *, CAST(coalesce(start_at - lag(start_at) OVER (PARTITION BY case_id, feature ORDER BY start_at, record) > to_hours(12), true) AS INTEGER) AS opens
  FROM told
)
SELECT case_id, feature, CAST(sum(opens) AS DOUBLE) AS value, max(start_at) AS newest_at, CAST(NULL AS VARCHAR) AS why,
  list({'record': record, 'version': version, 'path': 'class.code'} ORDER BY start_at, record) AS facts
FROM marked GROUP BY case_id, feature
