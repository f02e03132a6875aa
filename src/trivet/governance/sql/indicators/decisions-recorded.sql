-- every decision: does a ledger entry of kind `decision` stand at its position? (counts by use)
WITH given AS (SELECT CAST(? AS JSON) AS g)
SELECT coalesce(ledger.kind = 'decision', false) AS ok, decisions.use, count(*) AS units
FROM given, decisions LEFT JOIN ledger ON ledger.seq = decisions.seq
GROUP BY ok, decisions.use
ORDER BY ok, decisions.use
