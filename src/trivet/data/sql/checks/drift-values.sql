-- values of one test of one feed in one unit: the last window against the weeks before it, one value a person (its median there)
WITH rule AS (SELECT * FROM drift WHERE name = 'drift-values'),
one AS (SELECT DISTINCT reference_days::INTEGER AS reference_days, window_days::INTEGER AS window_days, least, most, effect FROM rule),
told AS (
  SELECT o.record, o.person, o.known_seq, o.taken_at, o.sent_value, o.source || ' ' || coalesce(o.local_code, o.loinc) || coalesce(' in ' || o.unit, '') AS series
  FROM seen_observation AS o
  WHERE o.sent_value IS NOT NULL AND o.person IS NOT NULL AND o.taken_at <= (SELECT CAST(now_text AS TIMESTAMP) FROM today)
    AND coalesce(o.local_code, o.loinc) IS NOT NULL
),
dated AS (SELECT *, max(taken_at) OVER (PARTITION BY series) AS last_at FROM told),
part AS (
  SELECT d.*, d.taken_at > d.last_at - to_days(one.window_days) AS late FROM dated AS d, one
  WHERE d.taken_at > d.last_at - to_days(one.window_days + one.reference_days)
),
person_value AS (SELECT series, late, person, median(CAST(sent_value AS DOUBLE)) AS value FROM part GROUP BY ALL),
size AS (SELECT series, count(*) FILTER (late) AS m, count(*) FILTER (NOT late) AS n FROM person_value GROUP BY series),
early AS (
  SELECT series, value, row_number() OVER (PARTITION BY series ORDER BY value) AS place, count(*) OVER (PARTITION BY series) AS n
  FROM person_value WHERE NOT late
),
edge AS (
  SELECT DISTINCT series, value AS cut FROM early, one, range(1, 100) AS cuts(step) WHERE step < most AND place = ceil(step * n / most)
),
binned AS (
  SELECT v.series, v.late, count(e.cut) AS bin FROM person_value AS v LEFT JOIN edge AS e ON e.series = v.series AND v.value > e.cut
  GROUP BY v.series, v.late, v.person
),
cell AS (SELECT series, bin, count(*) FILTER (late) AS late_n, count(*) FILTER (NOT late) AS early_n FROM binned GROUP BY ALL),
share AS (
  SELECT series, (late_n + 0.5) / sum(late_n + 0.5) OVER s AS q, (early_n + 0.5) / sum(early_n + 0.5) OVER s AS p FROM cell WINDOW s AS (PARTITION BY series)
),
psi AS (SELECT series, count(*) AS used, sum((q - p) * ln(q / p)) AS psi FROM share GROUP BY series),
middle AS (
  SELECT series, median(value) FILTER (NOT late) AS before, median(value) FILTER (late) AS after FROM person_value GROUP BY series
),
verdict AS (
  SELECT z.series, z.n, z.m, psi.psi, middle.before, middle.after, least(z.n, z.m) >= one.least AS enough,
    psi.psi > greatest(one.effect, (1.0 / z.n + 1.0 / z.m) * coalesce(rule.chi2, 0)) AS moved
  FROM size AS z CROSS JOIN one JOIN psi USING (series) JOIN middle USING (series) LEFT JOIN rule ON rule.used = psi.used
)
SELECT p.record, p.person, p.known_seq, v.enough AND v.moved AS breaks,
  CASE WHEN v.enough THEN printf('%s: stability index %.2f, median %.4g was %.4g, %d persons against %d', v.series, v.psi, v.after, v.before, v.m, v.n)
  ELSE printf('insufficient: %s, %d persons against %d', v.series, v.m, v.n) END AS why
FROM part AS p JOIN verdict AS v USING (series) WHERE p.late
