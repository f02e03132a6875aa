-- columns: decision_id varchar, use varchar, model varchar, person varchar, decided_at varchar, outcome varchar, mode varchar, version varchar, site varchar, instant varchar, reason varchar, grant_id varchar, seq bigint
-- what was answered: one row for each decision, shadows included (mode `shadow`, never released)
select decision_id, use, model, person, decided_at, outcome, mode, version, site, instant, reason, grant_id, seq
from decision
where seq <= :as_of
order by seq
