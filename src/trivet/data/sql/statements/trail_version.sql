select record_version.source, record_version.receipt, record_version.known_seq, coalesce(record_version.valid_at, ''),
  record_version.deleted, record_version.body, lineage.spans
from record_version left join lineage on lineage.receipt = record_version.receipt
where record_version.key = ? and record_version.version = ?
