select record_version.receipt, lineage.spans
from record_version left join lineage on lineage.receipt = record_version.receipt
where record_version.key = ? and record_version.version = ?
