-- repairs, open ones first, without what stands in the records; read through a lens
select repair, kind, check_id as "check", record, version, made, known_seq as found, decided_seq as decided, person
from repairs
order by state = 'open' desc, known_seq, repair
