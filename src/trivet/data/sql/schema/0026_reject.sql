create table if not exists reject (
  receipt integer not null,
  ordinal integer not null,
  code text not null,
  reason text not null,
  locator text not null,
  offset integer not null,
  length integer not null,
  help text not null,
  primary key (receipt, ordinal)
) strict, without rowid
