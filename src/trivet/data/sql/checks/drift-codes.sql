-- which codes a feed sends, each person's codes once: the last window against the weeks before it
WITH rule AS (SELECT * FROM drift WHERE name = 'drift-codes'),
one AS (SELECT DISTINCT reference_days::INTEGER AS reference_days, window_days::INTEGER AS window_days, least, most, effect FROM rule),
told AS (
  SELECT record, person, known_seq, taken_at, source AS series, coalesce(local_code, loinc) AS code FROM seen_observation
  WHERE person IS NOT NULL AND coalesce(local_code, loinc) IS NOT NULL AND taken_at <= (SELECT CAST(now_text AS TIMESTAMP) FROM today)
),
dated AS (SELECT *, max(taken_at) OVER (PARTITION BY series) AS last_at FROM told),
part AS (
  SELECT d.*, d.taken_at > d.last_at - to_days(one.window_days) AS late FROM dated AS d, one
  WHERE d.taken_at > d.last_at - to_days(one.window_days + one.reference_days)
),
size AS (SELECT series, count(DISTINCT person) FILTER (late) AS m, count(DISTINCT person) FILTER (NOT late) AS n FROM part GROUP BY series),
person_code AS (SELECT DISTINCT series, late, person, code FROM part),
common AS (
  SELECT c.series, c.code FROM (SELECT series, code, count(*) AS seen FROM person_code WHERE NOT late GROUP BY ALL) AS c
  QUALIFY row_number() OVER (PARTITION BY c.series ORDER BY c.seen DESC, c.code) <= (SELECT most FROM one)
),
cell AS (
  SELECT p.series, k.code, count(*) FILTER (p.late) AS late_n, count(*) FILTER (NOT p.late) AS early_n
  FROM person_code AS p LEFT JOIN common AS k ON k.series = p.series AND k.code = p.code GROUP BY ALL
),
share AS (
  SELECT series, code, (late_n + 0.5) / sum(late_n + 0.5) OVER s AS q, (early_n + 0.5) / sum(early_n + 0.5) OVER s AS p
  FROM cell WINDOW s AS (PARTITION BY series)
),
psi AS (
  SELECT series, count(*) AS used, sum((q - p) * ln(q / p)) AS psi, coalesce(arg_max(coalesce(code, 'rarer and new codes'), (q - p) * ln(q / p)), '') AS most_moved
  FROM share GROUP BY series
),
verdict AS (
  SELECT z.series, z.n, z.m, psi.psi, psi.most_moved, least(z.n, z.m) >= one.least AS enough,
    psi.psi > greatest(one.effect, (1.0 / z.n + 1.0 / z.m) * coalesce(rule.chi2, 0)) AS moved
  FROM size AS z CROSS JOIN one JOIN psi USING (series) LEFT JOIN rule ON rule.used = psi.used
)
SELECT p.record, p.person, p.known_seq, v.enough AND v.moved AND coalesce(k.code, 'rarer and new codes') = v.most_moved AS breaks,
  CASE WHEN v.enough THEN printf('%s: stability index %.2f, most by %s, %d persons against %d', v.series, v.psi, v.most_moved, v.m, v.n)
  ELSE printf('insufficient: %s, %d persons against %d', v.series, v.m, v.n) END AS why
FROM part AS p JOIN verdict AS v USING (series) LEFT JOIN common AS k ON k.series = p.series AND k.code = p.code WHERE p.late
