-- columns: grant_id varchar, model varchar, version varchar, stage varchar, not_before varchar, expires_at varchar, revoked_at varchar, seq bigint
-- permissions to serve, dead ones included
select id, model, version, stage, not_before, expires_at, revoked_at, seq
from serving_grant
where seq <= :as_of
order by seq
