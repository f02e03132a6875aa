-- local codes and units that no map knows, by volume, with the decisions of the last 30 days about persons they speak of
WITH given AS (SELECT CAST(? AS JSON) AS g),
met AS (
  SELECT notices.source, notices.kind, notices.system, notices.code, CAST(sum(notices.times) AS BIGINT) AS times,
    CAST(coalesce(sum(notices.times) FILTER (messages.received_at > g ->> 'month_ago'), 0) AS BIGINT) AS lately, min(messages.received_at) AS since
  FROM given, notices JOIN messages USING (receipt)
  WHERE notices.kind IN ('unknown-code', 'unknown-unit', 'missing-unit')
  GROUP BY notices.source, notices.kind, notices.system, notices.code
),
touched AS (
  SELECT notices.source, notices.kind, notices.system, notices.code, count(DISTINCT decisions.decision_id) AS decisions
  FROM given, notices
  JOIN (SELECT DISTINCT receipt, person FROM records WHERE person IS NOT NULL) AS about USING (receipt)
  JOIN decisions ON decisions.person = about.person AND decisions.decided_at > g ->> 'month_ago'
  WHERE notices.kind IN ('unknown-code', 'unknown-unit', 'missing-unit')
  GROUP BY notices.source, notices.kind, notices.system, notices.code
)
SELECT met.source || ': ' || met.kind || ' ' || met.code AS asset, met.times || ' times, system ' || met.system AS detail,
  met.lately AS events_per_month, coalesce(touched.decisions, 0) AS decisions, met.since
FROM given, met LEFT JOIN touched USING (source, kind, system, code)
ORDER BY met.times DESC, asset
