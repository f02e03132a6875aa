-- one row per unit that came in, with the time that its sender wrote on it (else the latest event it speaks of)
CREATE OR REPLACE TEMP TABLE seen_message AS
SELECT m.receipt, m.source, m.state, m.partial, m.reason, TRY_CAST(m.received_at AS TIMESTAMP) AS received_at, coalesce(h.sent_at, e.sent_at) AS sent_at
FROM messages AS m
LEFT JOIN (SELECT receipt, max(valid_at) AS sent_at FROM seen_record WHERE type = 'MessageHeader' GROUP BY receipt) AS h ON h.receipt = m.receipt
LEFT JOIN (SELECT receipt, max(valid_at) AS sent_at FROM seen_record WHERE type <> 'Patient' GROUP BY receipt) AS e ON e.receipt = m.receipt
