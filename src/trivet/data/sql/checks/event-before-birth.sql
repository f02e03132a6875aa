-- an event more than a day before the person's birth date
SELECT r.record, r.person, r.known_seq, r.valid_at < CAST(p.born AS TIMESTAMP) - INTERVAL 1 DAY AS breaks, r.type || ' of ' || r.source || ' before birth' AS why
FROM seen_record AS r JOIN seen_person AS p ON p.person = r.person
WHERE r.valid_at IS NOT NULL AND p.born IS NOT NULL AND r.type NOT IN ('Coverage', 'FamilyMemberHistory')
