-- blocking keys: records that share one are compared; `brief` is what of a record can be seen without opening it (-1: not known)
create table if not exists identity_block (
  key integer not null,
  record integer not null,
  brief integer not null,
  primary key (key, record)
) strict, without rowid
