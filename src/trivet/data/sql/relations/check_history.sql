-- columns: run bigint, run_at varchar, as_of bigint, check_id varchar, failing bigint, total bigint, verdict varchar, severity varchar
-- every verdict of every run: the trend
select r.seq, r.at, r.as_of, v.check_id, v.failing, v.total, v.verdict, v.severity
from check_run as r join check_outcome as v on v.run = r.seq
where r.seq <= :as_of
order by r.seq, v.check_id
