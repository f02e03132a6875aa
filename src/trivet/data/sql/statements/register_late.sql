-- how many receipts of a feed the newest run of the checks calls late, out of order, or damaged
select check_row.check_id, count(distinct check_row.known_seq) from check_row join receipt on receipt.seq = check_row.known_seq
where receipt.source = :source and check_row.run = (select max(seq) from check_run)
group by check_row.check_id order by check_row.check_id
