select destination, number, key, seq, decision_id, event, use, model, status, thread, earlier, at, state, attempts, reason, blob, sent_seq, done_at
from out_message
where (:destination = '' or destination = :destination) and (:state = '' or state = :state)
  and (:decision = '' or decision_id = :decision)
order by destination, number
limit :limit
