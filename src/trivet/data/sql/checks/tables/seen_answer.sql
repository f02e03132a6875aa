-- one row per answer of a payer and number by which it names the claim, with the charge that it repeats; reversals left out
CREATE OR REPLACE TEMP TABLE seen_answer AS
SELECT DISTINCT record, person, source, known_seq, answered_at, claim, charged, n.number
FROM (
  SELECT *, list_filter(totals, lambda t: t.category.coding[1].code = 'submitted')[1].amount.value AS charged,
    list_append(list_transform(identifiers, lambda i: i.value), claim_number) AS numbers
  FROM explanation_of_benefit WHERE coalesce(claim_status, '') <> '22'
) AS e, unnest(e.numbers) AS n(number)
WHERE n.number IS NOT NULL
