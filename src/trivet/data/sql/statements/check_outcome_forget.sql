delete from check_outcome where run = ?
