select record_version.receipt, coalesce(lineage_again.spans, lineage.spans)
from record_version
left join lineage on lineage.receipt = record_version.receipt
left join lineage_again on lineage_again.receipt = record_version.receipt and lineage_again.since = record_version.known_seq
where record_version.key = ? and record_version.version = ?
