-- columns: check_id varchar, table_name varchar, failing bigint, total bigint, threshold double, verdict varchar, severity varchar, owner varchar, reason varchar, run_at varchar, run bigint, stage varchar, said varchar
-- verdicts of the newest run at the position that is asked for
select v.check_id, v.table_name, v.failing, v.total, v.threshold, v.verdict, v.severity, v.owner, v.reason, r.at, v.run, v.stage, v.said
from check_outcome as v join check_run as r on r.seq = v.run
where v.run = (select max(seq) from check_run where seq <= :as_of)
order by v.check_id
