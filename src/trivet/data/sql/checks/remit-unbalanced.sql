-- the amount of a payment is not the sum of its parts
SELECT record, CAST(NULL AS VARCHAR) AS person, known_seq, amount <> parts AS breaks, 'paid ' || amount || ', parts sum to ' || parts AS why
FROM seen_payment WHERE amount IS NOT NULL AND details > 0
