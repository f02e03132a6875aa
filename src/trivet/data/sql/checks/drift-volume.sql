-- units a day of a feed: the last whole weeks against those before; the spread of its own days says what chance does
WITH one AS (SELECT DISTINCT reference_days::INTEGER AS reference_days, window_days::INTEGER AS window_days, least, effect, z FROM drift WHERE name = 'drift-volume'),
told AS (
  SELECT receipt, source AS series, CAST(spoke_at AS DATE) AS day FROM seen_message
  WHERE spoke_at IS NOT NULL AND spoke_at <= (SELECT CAST(now_text AS TIMESTAMP) FROM today)
),
span AS (SELECT series, min(day) AS first_day, max(day) - 1 AS last_day FROM told GROUP BY series),
days AS (
  SELECT s.series, unnest(generate_series(greatest(s.first_day + 1, s.last_day - (one.reference_days + one.window_days - 1)), s.last_day, INTERVAL 1 DAY))::DATE AS day, s.last_day
  FROM span AS s, one WHERE s.last_day > s.first_day
),
count_of AS (SELECT d.series, d.day, d.last_day, count(t.receipt) AS units FROM days AS d LEFT JOIN told AS t ON t.series = d.series AND t.day = d.day GROUP BY ALL),
size AS (
  SELECT c.series, avg(units) FILTER (late) AS after, avg(units) FILTER (NOT late) AS before, count(*) FILTER (late) AS m, count(*) FILTER (NOT late) AS n, count(*) FILTER (NOT late AND units > 0) AS spoken,
    greatest(var_samp(units) FILTER (NOT late), avg(units) FILTER (NOT late)) AS spread
  FROM (SELECT c.*, c.day > c.last_day - one.window_days AS late FROM count_of AS c, one) AS c GROUP BY c.series
),
verdict AS (
  SELECT s.*, s.spoken >= one.least AND s.m >= one.window_days AND s.before > 0 AS enough,
    abs(ln((s.after + 0.5 / s.m) / s.before)) > one.effect AND abs(s.after - s.before) > one.z * sqrt(s.spread * (1.0 / s.m + 1.0 / s.n)) AS moved
  FROM size AS s, one
)
SELECT 'receipt/' || t.receipt AS record, CAST(NULL AS VARCHAR) AS person, t.receipt AS known_seq, v.enough AND v.moved AS breaks,
  CASE WHEN v.enough THEN printf('%s: %.1f units a day, %.1f before', v.series, v.after, v.before)
  ELSE printf('insufficient: %s, %d days against %d on which it spoke', v.series, v.m, v.spoken) END AS why
FROM told AS t JOIN verdict AS v USING (series) JOIN span AS s USING (series), one WHERE t.day > s.last_day - one.window_days AND t.day <= s.last_day
