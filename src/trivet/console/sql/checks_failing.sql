-- checks that do not hold or could not be run, gravest first
select check_id, table_name, failing, total, severity, verdict, said from checks where verdict in ('fail', 'error', 'not-run') order by severity = 'error' desc, failing desc
