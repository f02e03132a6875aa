-- a feed that fell silent: longer than its longest normal silence, or where none is said longer than its pauses ever were; what came at one instant
-- and bears no time of its own (the rows of a file) spoke once, up to its latest event: a weekly file is not silent from its last row to the next
WITH spoken AS (
  SELECT source, max(spoke_at) AS spoke_at, max(receipt) AS receipt, count(*) AS units
  FROM seen_message WHERE spoke_at IS NOT NULL AND spoke_at <= (SELECT CAST(now_text AS TIMESTAMP) FROM today)
  GROUP BY source, received_at, sent_at
),
heard AS (
  SELECT source, spoke_at, lead(spoke_at) OVER (PARTITION BY source ORDER BY spoke_at, receipt) AS next_at, receipt, units FROM spoken
),
pause AS (
  SELECT source, sum(units) AS messages, max(spoke_at) AS last_at, arg_max(receipt, spoke_at) AS last_receipt, max(epoch(next_at - spoke_at)) AS longest
  FROM heard GROUP BY source
),
feed AS (
  SELECT p.*, coalesce(s.expected_every, 0) AS expected, (SELECT CAST(now_text AS TIMESTAMP) FROM today) AS now_at
  FROM pause AS p LEFT JOIN sources AS s ON s.source = p.source
)
SELECT 'source/' || source AS record, CAST(NULL AS VARCHAR) AS person, last_receipt AS known_seq,
  epoch(now_at - last_at) > CASE WHEN expected > 0 THEN expected ELSE greatest(longest, 86400) END AS breaks,
  source || ' silent since ' || strftime(last_at, '%Y-%m-%dT%H:%M:%SZ') AS why
FROM feed WHERE expected > 0 OR messages >= 200
