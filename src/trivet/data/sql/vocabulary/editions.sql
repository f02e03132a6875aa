select edition.id, edition.system, edition.version, edition.name, edition.sensitive, edition.complete, load.kind, load.release, load.digest
from edition join load on load.id = edition.load where load.state = 'ready' order by edition.id
