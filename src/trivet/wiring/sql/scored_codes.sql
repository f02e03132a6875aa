-- results by feed: how many, and how many under a standard code
SELECT source, count(*) AS results, count(*) FILTER (system IN ('http://loinc.org', 'http://snomed.info/sct')) AS mapped FROM observation GROUP BY source ORDER BY source
