-- whom else these units speak of
select distinct record_version.receipt, identity_record.person
from record_version join identity_record on identity_record.subject = record_version.subject
where record_version.receipt in (select value from json_each(?)) and record_version.subject not in (select value from json_each(?))
