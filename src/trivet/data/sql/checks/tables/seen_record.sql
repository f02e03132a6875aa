-- one row per record that stands now, without its body; of a message header the time at which it was sent
CREATE OR REPLACE TEMP TABLE seen_record AS
SELECT record, type, version, person, subject, source, known_seq, receipt, json_extract_string(body, '$.encounter.reference') AS encounter,
  CASE WHEN type = 'MessageHeader' THEN coalesce(instant_of(
    list_filter(json_transform(json_extract(body, '$.extension'), '[{"url": "VARCHAR", "valueDateTime": "VARCHAR"}]'), lambda x: x.url = 'urn:trivet:hl7v2:message-time')[1].valueDateTime), valid_at)
  ELSE valid_at END AS valid_at
FROM record_state
