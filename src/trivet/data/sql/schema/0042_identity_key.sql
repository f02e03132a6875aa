-- blocking keys: records that share one are compared
create table if not exists identity_key (
  key integer not null,
  record integer not null,
  primary key (key, record)
) strict, without rowid
