-- persons of whom a doubtful link waits for a human
SELECT coalesce(r.subject, 'person/' || p.person) AS record, p.person, p.known_seq, r.subject IS NOT NULL AS breaks, r.rule AS why
FROM persons AS p
LEFT JOIN (SELECT person, any_value(subject) AS subject, any_value(rule) AS rule FROM reviews WHERE state = 'open' GROUP BY person) AS r ON r.person = p.person
