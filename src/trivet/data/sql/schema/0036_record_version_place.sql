-- finds versions that speak of no patient without reading those that do
create index if not exists record_version_place on record_version (ordinal) where subject is null and type in ('Location', 'Observation')
