-- columns: destination varchar, number bigint, decision_id varchar, event varchar, use varchar, model varchar, state varchar, attempts bigint, reason varchar, made_at varchar, done_at varchar, seq bigint
-- what goes out because of decisions: one row for each message to each destination
select destination, number, decision_id, event, use, model, state, attempts, reason, at, done_at, seq
from out_message
where seq <= :as_of
order by destination, number
