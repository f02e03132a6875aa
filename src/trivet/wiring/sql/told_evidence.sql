-- evidence that does not carry its model, for each use: what was measured, on how many cases and outcomes
select json_extract_string(u.value, '$') as used, e.model, e.requirement, e.result, e.n, e.events
from evidence as e
join releases as r on r.model = e.model and r.version = e.version, json_each(r.uses) as u
where e.result <> 'pass' and not e.withdrawn
order by used, e.model, e.seq
