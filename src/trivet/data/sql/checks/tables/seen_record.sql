-- one row per record that stands now, without its body
CREATE OR REPLACE TEMP TABLE seen_record AS
SELECT record, type, version, person, subject, source, known_seq, receipt, valid_at,
  json_extract_string(body, '$.encounter.reference') AS encounter
FROM record_state
