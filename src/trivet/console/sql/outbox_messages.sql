-- messages that a person must look at, or those in one state
select destination, number, decision_id, event, use, model, state, attempts, reason, made_at
from outbox
where (? = '' and state in ('dead', 'held')) or state = ?
order by made_at desc, destination, number desc
limit 50
