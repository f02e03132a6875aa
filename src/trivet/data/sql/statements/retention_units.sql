-- the units that some record versions ([[key, version], ...]) were read from
select distinct v.receipt
from json_each(?) as fact
join record_version as v on v.key = json_extract(fact.value, '$[0]') and v.version = json_extract(fact.value, '$[1]')
