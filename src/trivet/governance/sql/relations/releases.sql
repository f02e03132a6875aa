-- columns: model varchar, version varchar, digest varchar, artefact varchar, kind varchar, tier varchar, uses varchar, population varchar, registered_at varchar, seq bigint
-- registered versions of models, each bound to its bytes
select model, version, digest, artefact, kind, tier, uses, population, registered_at, seq
from model_release
where seq <= :as_of
order by seq
