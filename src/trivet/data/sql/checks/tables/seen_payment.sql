-- one row per payment with the sum of the claim payments under its number, less the adjustments that it names itself (X12 835, PLB)
CREATE OR REPLACE TEMP TABLE seen_payment AS
WITH paid AS (
  SELECT source, j.payment.identifier.value AS number, sum(j.payment.amount.value) AS parts, count(*) AS claims
  FROM (
    SELECT source, json_transform(body, '{"payment": {"identifier": {"value": "VARCHAR"}, "amount": {"value": "DECIMAL(18,2)"}}}') AS j
    FROM record_state WHERE type = 'ExplanationOfBenefit'
  ) WHERE j.payment.identifier.value IS NOT NULL GROUP BY ALL
)
SELECT p.record, p.source, p.known_seq, p.j.paymentAmount.value AS amount, paid.parts - coalesce(list_sum(list_transform(p.j.detail, lambda d: d.amount.value)), 0) AS parts, paid.claims
FROM (
  SELECT *, json_transform(body, '{"paymentIdentifier": {"value": "VARCHAR"}, "paymentAmount": {"value": "DECIMAL(18,2)"}, "detail": [{"amount": {"value": "DECIMAL(18,2)"}}]}') AS j
  FROM record_state WHERE type = 'PaymentReconciliation'
) AS p
JOIN paid ON paid.source = p.source AND paid.number = p.j.paymentIdentifier.value
