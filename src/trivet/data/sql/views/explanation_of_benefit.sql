-- one row per ExplanationOfBenefit or ClaimResponse record: what the payer said; money as exact decimals
SELECT record, version, person, subject, known_seq, until_seq, source, id, type AS resource_type, (j).status AS status, (j).outcome AS outcome,
  (j).disposition AS disposition, coalesce(instant_of((j).created), valid_at) AS answered_at, coalesce((j).claim.reference, (j).request.reference) AS claim,
  (j).claim.identifier.value AS claim_number, (j).payment.amount.value AS paid, (j).payment.amount.currency AS currency,
  list_filter((j).supportingInfo, lambda i: i.category.coding[1].code = 'claimstatus')[1].code.coding[1].code AS claim_status,
  (j).total AS totals, (j).adjudication AS adjudications, (j).identifier AS identifiers
FROM (
  SELECT *, json_transform(body, '{"status": "VARCHAR", "outcome": "VARCHAR", "disposition": "VARCHAR", "created": "VARCHAR",
    "claim": {"reference": "VARCHAR", "identifier": {"value": "VARCHAR"}}, "request": {"reference": "VARCHAR"},
    "payment": {"amount": {"value": "DECIMAL(18,2)", "currency": "VARCHAR"}},
    "total": [{"category": {"coding": [{"code": "VARCHAR"}]}, "amount": {"value": "DECIMAL(18,2)"}}],
    "adjudication": [{"category": {"coding": [{"code": "VARCHAR"}]}, "reason": {"coding": [{"code": "VARCHAR"}]}, "amount": {"value": "DECIMAL(18,2)"}}],
    "supportingInfo": [{"category": {"coding": [{"code": "VARCHAR"}]}, "code": {"coding": [{"code": "VARCHAR"}]}}],
    "identifier": [{"system": "VARCHAR", "value": "VARCHAR"}]}') AS j
  FROM record_state WHERE type IN ('ExplanationOfBenefit', 'ClaimResponse')
)
