-- columns: evidence_id varchar, requirement varchar, kind varchar, model varchar, version varchar, site varchar, result varchar, metric varchar, value varchar, low varchar, high varchar, n bigint, events bigint, produced_at varchar, expires_at varchar, withdrawn boolean, seq bigint
-- what was proven or attested, with its interval, its numbers and its end
select id, requirement, kind, model, version, site, result, json_extract(body, '$.metric'), json_extract(body, '$.value'),
  json_extract(body, '$.low'), json_extract(body, '$.high'), json_extract(body, '$.n'), json_extract(body, '$.events'),
  produced_at, expires_at, withdrawn, seq
from evidence
where seq <= :as_of
order by seq
