-- every record version, with the ledger position at which a newer one took its place (`until_seq`, null while it stands)
SELECT r.key AS record, r.type, r.id, r.version, r.subject, r.person, TRY_CAST(r.valid_at AS TIMESTAMP) AS valid_at,
  r.known_seq, n.known_seq AS until_seq, r.receipt, r.source, r.body
FROM record_version AS r
LEFT JOIN (SELECT key, version - 1 AS version, known_seq FROM record_version WHERE version > 1) AS n ON n.key = r.key AND n.version = r.version
WHERE NOT CAST(r.deleted AS BOOLEAN)
