-- two persons in one bed at a time, or one person in two beds; minutes of handing over are let pass
SELECT b.record, b.person, b.known_seq, o.record IS NOT NULL AS breaks,
  CASE WHEN o.location = b.location THEN 'the bed is taken by another stay' ELSE 'the person lies in another bed' END || ': ' || o.record AS why
FROM seen_bed AS b
LEFT JOIN seen_bed AS o ON o.record < b.record AND o.source = b.source AND (o.location = b.location AND o.person <> b.person OR o.person = b.person AND o.location <> b.location)
  AND o.start_at + INTERVAL 15 MINUTE < coalesce(b.end_at, (SELECT CAST(now_text AS TIMESTAMP) FROM today))
  AND b.start_at + INTERVAL 15 MINUTE < coalesce(o.end_at, (SELECT CAST(now_text AS TIMESTAMP) FROM today))
QUALIFY row_number() OVER (PARTITION BY b.record ORDER BY o.record) = 1
