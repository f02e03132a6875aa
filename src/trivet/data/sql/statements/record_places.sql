-- versions behind an ordinal that speak of no patient and that a feature may need
select ordinal, key, type, id, version, subject, null, valid_at, known_seq, receipt, source, deleted, body
from record_version where ordinal > ? and subject is null and type in ('Location', 'Observation') order by ordinal
