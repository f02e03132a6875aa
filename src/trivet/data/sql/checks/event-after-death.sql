-- a measurement more than a day after death
SELECT o.record, o.person, o.known_seq, o.taken_at > p.died_at + INTERVAL 1 DAY AS breaks, 'measured after death, ' || o.source AS why
FROM seen_observation AS o JOIN seen_person AS p ON p.person = o.person
WHERE o.taken_at IS NOT NULL AND p.died_at IS NOT NULL
