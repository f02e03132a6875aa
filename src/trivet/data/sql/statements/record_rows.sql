select ordinal, key, type, id, version, subject, valid_at, known_seq, receipt, source, deleted, body
from record_version
where ordinal > ? and ordinal <= ?
order by ordinal
limit ?
