update out_attempt
set ended_at = :at, result = :result, reason = :reason, end_seq = :end_seq, reply = :reply
where destination = :destination and number = :number and attempt = :attempt
