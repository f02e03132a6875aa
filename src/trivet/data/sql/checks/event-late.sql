-- a message that came more than twelve hours later than messages of its feed usually come after they were sent
WITH delayed AS (
  SELECT receipt, source, epoch(received_at - sent_at) AS delay, median(epoch(received_at - sent_at)) OVER (PARTITION BY source) AS usual
  FROM seen_message WHERE sent_at IS NOT NULL AND received_at IS NOT NULL
)
SELECT 'receipt/' || receipt AS record, CAST(NULL AS VARCHAR) AS person, receipt AS known_seq, delay > usual + 43200 AS breaks,
  source || ' came ' || CAST(floor((delay - usual) / 3600) AS BIGINT) || ' hours late' AS why
FROM delayed
