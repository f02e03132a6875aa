-- engines whose version is behind the last open release, one for each version
WITH given AS (SELECT CAST(? AS JSON) AS g)
SELECT split_part(detail, ':', 1) AS asset, count(DISTINCT interface) || ' interfaces; ' || min(detail) AS detail,
  0 AS events_per_month, CAST(NULL AS BIGINT) AS decisions, min(imported_at) AS since
FROM given, interface_findings
WHERE finding = 'end-of-support'
GROUP BY split_part(detail, ':', 1)
ORDER BY asset
