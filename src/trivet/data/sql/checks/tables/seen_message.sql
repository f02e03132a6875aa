-- one row per unit that came in; `sent_at` is the time that its sender wrote on it, `spoke_at` that or else the latest event it speaks of
CREATE OR REPLACE TEMP TABLE seen_message AS
SELECT m.receipt, m.source, m.state, m.partial, m.reason, TRY_CAST(m.received_at AS TIMESTAMP) AS received_at, e.sent_at,
  least(coalesce(e.sent_at, e.spoke_at), TRY_CAST(m.received_at AS TIMESTAMP)) AS spoke_at
FROM messages AS m
LEFT JOIN (
  SELECT receipt, max(valid_at) FILTER (type = 'MessageHeader') AS sent_at, max(valid_at) FILTER (type <> 'Patient') AS spoke_at
  FROM seen_record GROUP BY receipt
) AS e ON e.receipt = m.receipt
