update out_message
set state = :state, reason = :reason, done_at = :done_at
where destination = :destination and number = :number
