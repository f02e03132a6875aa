-- codes of an edition that are not in force for ever
select code, active, since, until from concept where edition = ? and (active = 0 or since <> '' or until <> '')
