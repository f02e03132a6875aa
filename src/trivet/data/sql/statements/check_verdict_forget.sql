delete from check_verdict where run = ?
