update out_message
set state = 'sending', attempts = attempts + 1, reason = '', blob = :blob, sent_seq = :sent_seq
where destination = :destination and number = :number and state = 'waiting'
