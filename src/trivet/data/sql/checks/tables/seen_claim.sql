-- one row per claim, under the number that its sender gave it
CREATE OR REPLACE TEMP TABLE seen_claim AS
SELECT record, person, source, known_seq, service_at, created_at, total, identifiers[1].value AS number FROM claim
