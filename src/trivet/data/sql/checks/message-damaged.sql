-- quarantined, taken in part, or cut off behind its last whole segment
SELECT 'receipt/' || m.receipt AS record, CAST(NULL AS VARCHAR) AS person, m.receipt AS known_seq,
  m.state = 'quarantined' OR m.partial OR c.receipt IS NOT NULL AS breaks,
  m.source || ' ' || CASE WHEN m.partial THEN 'taken in part ' WHEN m.state = 'quarantined' THEN 'quarantined ' ELSE 'cut off in ' || coalesce(c.locator, '') END
    || coalesce(m.reason, '') AS why
FROM seen_message AS m
LEFT JOIN (SELECT receipt, min(locator) AS locator FROM notices WHERE kind = 'truncated' GROUP BY receipt) AS c ON c.receipt = m.receipt
