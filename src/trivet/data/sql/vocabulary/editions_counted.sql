select edition.system, edition.version, edition.name, load.kind, load.release, load.digest, load.files,
  (select count(*) from concept where concept.edition = edition.id) as concepts,
  (select count(*) from concept where concept.edition = edition.id and concept.active = 0) as inactive
from edition join load on load.id = edition.load where load.state = 'ready' order by edition.system, edition.id
