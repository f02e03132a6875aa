-- what somebody must look at: vocabulary only, never a patient's value
create table if not exists notice (
  receipt integer not null,
  kind text not null,
  system text not null,
  code text not null,
  locator text not null,
  offset integer not null,
  length integer not null,
  times integer not null,
  primary key (receipt, kind, system, code)
) strict, without rowid
