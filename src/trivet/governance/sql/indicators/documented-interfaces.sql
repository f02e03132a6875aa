-- every source that delivered or is registered: does the site say it is documented?
WITH given AS (SELECT CAST(? AS JSON) AS g),
seen AS (SELECT source FROM sources UNION SELECT DISTINCT source FROM messages)
SELECT coalesce(sources.documented, false) AS ok, seen.source, coalesce(sources.owner, '') AS owner, coalesce(sources.format, '') AS format
FROM given, seen LEFT JOIN sources USING (source)
ORDER BY ok, seen.source
