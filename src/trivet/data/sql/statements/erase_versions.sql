select ordinal, key, type, id, subject, valid_at, known_seq, receipt, deleted, digest, body
from record_version
where receipt in (select value from json_each(?)) or subject in (select value from json_each(?))
order by ordinal
