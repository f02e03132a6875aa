select system, version, (select count(*) from concept where concept.edition = edition.id) from edition where load = ? order by system
