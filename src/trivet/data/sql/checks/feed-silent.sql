-- a feed that fell silent: longer than its longest normal silence, or than any pause it made before, up to the newest word of any feed
WITH heard AS (
  SELECT source, sent_at, lead(sent_at) OVER (PARTITION BY source ORDER BY sent_at, receipt) AS next_at, receipt
  FROM seen_message WHERE sent_at IS NOT NULL AND sent_at <= (SELECT CAST(now_text AS TIMESTAMP) FROM today)
),
pause AS (
  SELECT source, count(*) AS messages, max(sent_at) AS last_at, arg_max(receipt, sent_at) AS last_receipt,
    quantile_cont(epoch(next_at - sent_at), 0.999) AS usual, max(epoch(next_at - sent_at)) AS longest
  FROM heard GROUP BY source
),
feed AS (
  SELECT p.*, coalesce(s.expected_every, 0) AS expected, (SELECT CAST(now_text AS TIMESTAMP) FROM today) AS now_at
  FROM pause AS p LEFT JOIN sources AS s ON s.source = p.source
)
SELECT 'source/' || source AS record, CAST(NULL AS VARCHAR) AS person, last_receipt AS known_seq,
  epoch(now_at - last_at) > CASE WHEN expected > 0 THEN expected ELSE greatest(usual, 3600) END AS breaks,
  source || ' silent since ' || strftime(last_at, '%Y-%m-%dT%H:%M:%SZ') AS why
FROM feed WHERE expected > 0 OR messages >= 200
