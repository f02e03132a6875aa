-- every feed that should come at intervals: did it come within the last interval?
WITH given AS (SELECT CAST(? AS JSON) AS g),
latest AS (SELECT source, max(received_at) AS latest_at FROM deliveries GROUP BY source)
SELECT coalesce(epoch(CAST(g ->> 'now' AS TIMESTAMPTZ)) - epoch(CAST(latest.latest_at AS TIMESTAMPTZ)) <= sources.expected_every, false) AS ok,
  sources.source, coalesce(latest.latest_at, '') AS latest_at, sources.expected_every
FROM given, sources LEFT JOIN latest USING (source)
WHERE sources.expected_every > 0
ORDER BY ok, sources.source
