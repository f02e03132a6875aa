-- comorbidity by the points of the LACE paper: within a family only the gravest counts, families add up; and some families by themselves
WITH held AS (
  SELECT c.case_id, d.record, d.version, d.onset_at, m.family, CAST(m.points AS INTEGER) AS points, coded.coding.path AS path
  FROM cohort AS c
  JOIN condition AS d ON d.person = c.person AND stood(d.known_seq, d.until_seq, c.as_of) AND coalesce(d.onset_at, c.instant) <= c.instant
  CROSS JOIN unnest(list_transform(d.codes, lambda x, n: {'system': x.system, 'code': replace(x.code, '.', ''), 'path': 'code.coding[' || (n - 1) || '].code'})) AS coded(coding)
  JOIN comorbidity_system AS s ON s.item = coded.coding.system
  JOIN comorbidity AS m ON substr(coded.coding.code, 1, length(m.first)) BETWEEN m.first AND m.last
    AND m.system = CASE WHEN coded.coding.system LIKE '%snomed%' THEN 'snomed' ELSE 'icd-10' END
    AND (m.system = 'icd-10' OR coded.coding.code = m.first)
  WHERE coalesce(d.verification_status, '') NOT IN ('refuted', 'entered-in-error')
),
gravest AS (
  SELECT case_id, family, max(points) AS points, max(onset_at) AS newest,
    list({'record': record, 'version': version, 'path': path} ORDER BY record, version, path) FILTER (WHERE true) AS facts
  FROM held GROUP BY case_id, family
)
SELECT case_id, 'comorbidity' AS feature, CAST(sum(points) AS DOUBLE) AS value, max(newest) AS newest_at, CAST(NULL AS VARCHAR) AS why,
  flatten(list(facts ORDER BY family)) AS facts
FROM gravest GROUP BY case_id
UNION ALL
SELECT g.case_id, f.feature, 1.0, g.newest, NULL, g.facts
FROM gravest AS g JOIN comorbidity_feature AS f ON f.family = g.family
