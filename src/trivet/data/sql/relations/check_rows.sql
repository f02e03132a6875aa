-- columns: check_id varchar, key varchar, receipt bigint, why varchar, run bigint
-- the first rows that break each check of the newest run
select check_id, key, known_seq, why, run from check_row
where run = (select max(seq) from check_run where seq <= :as_of)
order by check_id, ordinal
