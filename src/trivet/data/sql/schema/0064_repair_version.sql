-- versions that a repair made; `said` is the digest of what the source said: who says the same again changes nothing
create table if not exists repair_version (
  record text not null,
  version integer not null,
  said blob not null,
  primary key (record, version)
) strict, without rowid
