-- checks that do not hold, gravest first
select check_id, table_name, failing, total, severity from checks where verdict in ('fail', 'error') order by severity = 'error' desc, failing desc
