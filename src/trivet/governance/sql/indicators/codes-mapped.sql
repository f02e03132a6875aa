-- local codes by volume: how many of the mapped elements of a source met no unknown code?
WITH given AS (SELECT CAST(? AS JSON) AS g),
all_of AS (SELECT source, CAST(sum(elements) AS BIGINT) AS elements FROM coverage WHERE disposition = 'mapped' GROUP BY source),
unknown AS (SELECT source, CAST(sum(times) AS BIGINT) AS times FROM notices WHERE kind IN ('unknown-code', 'unknown-unit') GROUP BY source)
SELECT kind = 'known' AS ok, source, kind, units FROM (
  SELECT all_of.source, 'known' AS kind, all_of.elements - coalesce(unknown.times, 0) AS units FROM given, all_of LEFT JOIN unknown USING (source)
  UNION ALL
  SELECT source, 'unknown' AS kind, times AS units FROM unknown
)
ORDER BY ok, source
