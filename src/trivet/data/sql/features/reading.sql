-- every reading that may be used for a case: bound by code, known by then, not later than the instant, not older than the feature allows.
-- `why` says why a reading gives no number: `unit`, `comparator` (only a bound is known), `text`
SELECT c.case_id, k.feature, o.taken_at, o.known_seq, o.record, o.version, o.element AS path,
  CASE
    WHEN f.reading = 'answer' THEN a.number
    WHEN o.canonical_value IS NULL OR o.comparator IS NOT NULL OR u.unit IS NULL THEN NULL
    WHEN f.reading = 'above' THEN CAST(o.canonical_value > f.limit_value AS DOUBLE)
    ELSE o.canonical_value * u.multiply + u.add
  END AS number,
  CASE
    WHEN f.reading = 'answer' THEN CASE WHEN a.number IS NULL THEN 'text' END
    WHEN o.canonical_value IS NULL THEN 'text'
    WHEN o.comparator IS NOT NULL THEN 'comparator'
    WHEN u.unit IS NULL THEN 'unit'
  END AS why
FROM cohort AS c
JOIN observation AS o ON o.person = c.person AND o.taken_at <= c.instant AND stood(o.known_seq, o.until_seq, c.as_of)
CROSS JOIN unnest(o.codes) AS coded(coding)
JOIN feature_code AS k ON k.system = coded.coding.system AND k.code = coded.coding.code
JOIN feature AS f ON f.name = k.feature AND o.taken_at > c.instant - to_seconds(f.within)
LEFT JOIN feature_unit AS u ON u.feature = f.name AND u.unit = coalesce(o.canonical_unit, '')
LEFT JOIN feature_answer AS a ON a.feature = f.name AND a.word = upper(coalesce(o.answers[1].code, o.text))
WHERE coalesce(o.status, 'final') NOT IN ('entered-in-error', 'cancelled')
