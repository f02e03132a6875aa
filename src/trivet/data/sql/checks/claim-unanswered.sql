-- a claim older than 45 days without an answer
SELECT c.record, c.person, c.known_seq, a.record IS NULL AS breaks, 'no answer for more than 45 days' AS why
FROM seen_claim AS c
LEFT JOIN (SELECT number, any_value(record) AS record FROM seen_answer GROUP BY number) AS a ON a.number = c.number
WHERE coalesce(c.created_at, c.service_at) < (SELECT CAST(now_text AS TIMESTAMP) FROM today) - INTERVAL 45 DAY
QUALIFY row_number() OVER (PARTITION BY c.record ORDER BY a.record) = 1
