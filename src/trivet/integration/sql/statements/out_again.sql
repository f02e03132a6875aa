update out_message
set state = 'waiting', reason = '', done_at = '', key = :key, blob = :blob
where destination = :destination and number = :number
