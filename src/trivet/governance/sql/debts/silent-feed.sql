-- feeds that should come at intervals and do not
WITH given AS (SELECT CAST(? AS JSON) AS g),
latest AS (SELECT source, max(received_at) AS latest_at FROM deliveries GROUP BY source),
late AS (
  SELECT sources.source, latest.latest_at, sources.expected_every,
    epoch(CAST(g ->> 'now' AS TIMESTAMPTZ)) - epoch(CAST(latest.latest_at AS TIMESTAMPTZ)) AS silent_for
  FROM given, sources LEFT JOIN latest USING (source)
  WHERE sources.expected_every > 0
)
SELECT source AS asset,
  CASE WHEN latest_at IS NULL THEN 'nothing ever came' ELSE 'silent for ' || round(silent_for / 3600, 1) || ' h, expected every '
    || round(expected_every / 3600, 1) || ' h' END AS detail,
  CAST(coalesce(floor(silent_for / expected_every), 0) AS BIGINT) AS events_per_month, CAST(NULL AS BIGINT) AS decisions,
  coalesce(latest_at, '') AS since
FROM late
WHERE latest_at IS NULL OR silent_for > expected_every
ORDER BY asset
