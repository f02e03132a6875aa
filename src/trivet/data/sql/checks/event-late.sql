-- a result that was sent more than two days after it was taken
SELECT o.record, o.person, o.known_seq, m.sent_at > o.taken_at + INTERVAL 2 DAY AS breaks, 'sent days after it was taken, ' || o.source AS why
FROM seen_observation AS o JOIN seen_message AS m ON m.receipt = o.known_seq
WHERE o.taken_at IS NOT NULL AND m.sent_at IS NOT NULL
