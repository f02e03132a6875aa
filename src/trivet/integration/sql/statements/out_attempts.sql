select attempt, at, sent_seq, ended_at, result, reason, end_seq, reply
from out_attempt
where destination = ? and number = ?
order by attempt
