-- runs of the checks that show one of these rows
select distinct run from check_row
where key in (select value from json_each(:keys)) or known_seq in (select value from json_each(:gone))
order by run
