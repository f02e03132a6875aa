-- newest verdict of every check
select check_id, table_name, failing, total, threshold, verdict, severity, run_at, stage, said from checks
order by verdict = 'pass', severity = 'error' desc, failing desc, check_id
