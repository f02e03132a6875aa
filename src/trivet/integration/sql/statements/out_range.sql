select destination, number, key, seq, decision_id, event, use, model, status, thread, earlier, at, state, attempts, reason, blob, sent_seq, done_at
from out_message
where destination = ? and number >= ? and number <= ?
order by number
limit ?
