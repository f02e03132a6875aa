insert into check_verdict (run, check_id, table_name, failing, total, threshold, verdict, severity, owner, reason) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
