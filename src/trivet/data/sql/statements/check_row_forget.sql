delete from check_row where run = ?
