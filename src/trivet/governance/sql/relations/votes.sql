-- columns: seq bigint, voted_at varchar, model varchar, version varchar, site varchar, gate varchar, seat varchar, principal varchar, decision varchar, evidence_set varchar
-- votes, each bound to the evidence that was seen
select seq, at, model, version, site, gate, seat, principal, decision, evidence_set
from vote
where seq <= :as_of
order by seq
