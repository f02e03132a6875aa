-- of the versions at hand the newest of each record, unless the sender took it back
SELECT r.key AS record, r.type, r.id, r.version, r.subject, r.person, TRY_CAST(r.valid_at AS TIMESTAMP) AS valid_at,
  r.known_seq, n.known_seq AS until_seq, r.receipt, r.source, r.body
FROM record_version AS r
LEFT JOIN (SELECT key, type, version - 1 AS version, known_seq FROM record_version WHERE version > 1) AS n
  ON n.type = r.type AND n.key = r.key AND n.version = r.version
WHERE n.known_seq IS NULL AND NOT CAST(r.deleted AS BOOLEAN)
