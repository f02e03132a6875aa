-- every identifier of every Patient record, with its person
create or replace temp table scored_record as
select distinct p.record, p.source, p.person, i.value as value
from patient as p cross join unnest(p.identifiers) as u(i)
where i.value is not null
