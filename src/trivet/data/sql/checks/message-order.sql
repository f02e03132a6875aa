-- a message that came behind another one of its feed that was sent more than ten minutes later
WITH before AS (
  SELECT receipt, source, sent_at, max(sent_at) OVER (PARTITION BY source ORDER BY receipt ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newest
  FROM seen_message WHERE sent_at IS NOT NULL
)
SELECT 'receipt/' || receipt AS record, CAST(NULL AS VARCHAR) AS person, receipt AS known_seq, coalesce(newest > sent_at + INTERVAL 10 MINUTE, false) AS breaks,
  source || ' came behind a message that was sent later' AS why
FROM before
