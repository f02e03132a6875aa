-- ends before it begins
SELECT record, person, known_seq, end_at < start_at AS breaks, 'ends before it begins, ' || source AS why
FROM seen_encounter WHERE start_at IS NOT NULL AND end_at IS NOT NULL
