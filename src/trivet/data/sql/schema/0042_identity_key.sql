-- blocking keys as they stood before `identity_block`, which takes them over
create table if not exists identity_key (
  key integer not null,
  record integer not null,
  primary key (key, record)
) strict, without rowid
