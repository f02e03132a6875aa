insert into check_outcome (run, check_id, stage, table_name, failing, total, threshold, verdict, said, severity, owner, reason)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
