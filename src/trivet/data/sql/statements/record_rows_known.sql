select ordinal, key, type, id, version, subject, valid_at, known_seq, receipt, source, deleted, body
from record_version
where known_seq <= ?
order by ordinal
