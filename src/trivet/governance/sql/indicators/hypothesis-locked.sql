-- every use that answers: was a value hypothesis locked before its first answer?
WITH given AS (SELECT CAST(? AS JSON) AS g),
answering AS (
  SELECT use, min(decided_at) AS first_at FROM decisions WHERE mode IN ('active', 'fallback') GROUP BY use
)
SELECT coalesce(hypotheses.locked_at <= answering.first_at, false) AS ok, answering.use, answering.first_at,
  coalesce(hypotheses.locked_at, '') AS locked_at, coalesce(hypotheses.metric, '') AS metric
FROM given, answering LEFT JOIN (SELECT use, min(locked_at) AS locked_at, min(metric) AS metric FROM hypotheses GROUP BY use) AS hypotheses USING (use)
ORDER BY ok, answering.use
