-- receipts by the control number of their message, of the numbers that are asked for
SELECT source, receipt, control_id
FROM (
  SELECT source, receipt,
    list_filter(json_transform(json_extract(body, '$.extension'), '[{"url": "VARCHAR", "valueString": "VARCHAR"}]'), lambda x: x.url = 'urn:trivet:hl7v2:control-id')[1].valueString AS control_id
  FROM records WHERE type = 'MessageHeader'
)
WHERE control_id IN (SELECT unnest(CAST(? AS VARCHAR[])))
