-- one row per claim and number that it bears
CREATE OR REPLACE TEMP TABLE seen_claim AS
SELECT DISTINCT record, person, source, known_seq, service_at, created_at, total, n.number
FROM claim, unnest(list_transform(identifiers, lambda i: i.value)) AS n(number)
