-- every identifier of every Patient record, with its person
SELECT DISTINCT p.record, p.source, p.person, i.value AS value
FROM patient AS p CROSS JOIN unnest(p.identifiers) AS u(i)
WHERE i.value IS NOT NULL
