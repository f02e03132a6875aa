-- the amount of a payment is not the sum of the claim payments under its number
SELECT record, CAST(NULL AS VARCHAR) AS person, known_seq, amount <> parts AS breaks, 'paid ' || amount || ', ' || claims || ' parts sum to ' || parts AS why
FROM seen_payment WHERE amount IS NOT NULL
