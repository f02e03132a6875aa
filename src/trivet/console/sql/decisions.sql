-- newest decisions, filtered by words that may be empty
select decision_id, use, model, version, person, instant, decided_at, outcome, mode, site, reason
from decisions
where (? = '' or use = ?) and (? = '' or model = ?) and (? = '' or outcome = ?) and (? = '' or mode = ?) and (? = '' or person = ?)
order by seq desc limit 50 offset ?
