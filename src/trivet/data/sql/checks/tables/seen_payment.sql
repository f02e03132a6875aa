-- one row per payment, with the sum of its parts
CREATE OR REPLACE TEMP TABLE seen_payment AS
SELECT record, source, known_seq, (j).paymentAmount.value AS amount,
  list_sum(list_transform((j).detail, lambda d: coalesce(d.amount.value, 0))) AS parts, len((j).detail) AS details
FROM (
  SELECT *, json_transform(body, '{"paymentAmount": {"value": "DECIMAL(18,2)"}, "detail": [{"amount": {"value": "DECIMAL(18,2)"}}]}') AS j
  FROM record_state WHERE type = 'PaymentReconciliation'
)
