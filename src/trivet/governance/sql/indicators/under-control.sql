-- every answer of the last 24 hours: granted, recorded, on fresh measured local validity, with all duties filled at that instant?
WITH given AS (SELECT CAST(? AS JSON) AS g),
today AS (
  SELECT decision_id, use, model, version, site, grant_id, decided_at, outcome, seq
  FROM given, decisions
  WHERE decided_at > g ->> 'day_ago' AND decided_at <= g ->> 'now' AND mode IN ('active', 'fallback') AND outcome IN ('scored', 'fallback')
),
proven AS (
  SELECT DISTINCT today.decision_id
  FROM today JOIN evidence ON evidence.model = today.model AND evidence.version = today.version AND evidence.site = today.site
    AND evidence.requirement = 'local-validity' AND evidence.kind = 'M' AND evidence.result = 'pass' AND NOT evidence.withdrawn
    AND evidence.produced_at <= today.decided_at AND today.decided_at < evidence.expires_at
),
filled AS (
  SELECT today.decision_id, count(DISTINCT seats.seat) AS seats
  FROM given, today JOIN seats ON seats.system = today.model AND seats.since <= today.decided_at
    AND (seats.until = '' OR today.decided_at < seats.until)
    AND seats.seat IN (SELECT unnest(CAST(g -> 'duties' AS VARCHAR[])) FROM given)
  GROUP BY today.decision_id
)
SELECT coalesce(grants.not_before <= today.decided_at AND today.decided_at < grants.expires_at AND grants.stage <> 'silent', false)
    AND coalesce(ledger.kind = 'decision', false)
    AND proven.decision_id IS NOT NULL
    AND coalesce(filled.seats, 0) = len(CAST(g -> 'duties' AS VARCHAR[])) AS ok,
  today.decision_id, today.use, today.model, today.outcome, today.grant_id, today.decided_at,
  proven.decision_id IS NOT NULL AS fresh_evidence, coalesce(filled.seats, 0) AS duties_filled
FROM given, today
LEFT JOIN grants USING (grant_id)
LEFT JOIN ledger ON ledger.seq = today.seq
LEFT JOIN proven USING (decision_id)
LEFT JOIN filled USING (decision_id)
ORDER BY ok, today.decision_id
