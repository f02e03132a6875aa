-- filled source fields that no rule speaks of
SELECT 'field/' || source || '/' || locator AS record, CAST(NULL AS VARCHAR) AS person, min(first) AS known_seq, bool_or(disposition = 'uncovered') AS breaks,
  sum(elements) FILTER (disposition = 'uncovered') || ' elements' AS why
FROM coverage GROUP BY source, locator
