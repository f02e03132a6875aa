-- columns: seq bigint, denied_at varchar, decision_id varchar, use varchar, model varchar, version varchar, site varchar, mode varchar, came_of varchar, failed varchar, answered_by varchar
-- every time a model was not called, or did not answer, and why
select seq, at, decision_id, use, model, version, site, mode, came_of, failed, answered_by
from denial
where seq <= :as_of
order by seq
