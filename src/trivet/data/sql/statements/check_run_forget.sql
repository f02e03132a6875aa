delete from check_run where seq = ?
