-- one row per answer of a payer to a claim, with the charge that it repeats
CREATE OR REPLACE TEMP TABLE seen_answer AS
SELECT record, person, source, known_seq, answered_at, claim, claim_number, paid,
  list_filter(totals, lambda t: t.category.coding[1].code = 'submitted')[1].amount.value AS charged
FROM explanation_of_benefit
