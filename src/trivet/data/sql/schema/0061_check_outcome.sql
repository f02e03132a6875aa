-- one check of a run: its verdict, and in `said` why it has none of its own
create table if not exists check_outcome (
  run integer not null,
  check_id text not null,
  stage text not null,
  table_name text not null,
  failing integer not null,
  total integer not null,
  threshold real not null,
  verdict text not null,
  said text not null,
  severity text not null,
  owner text not null,
  reason text not null,
  primary key (run, check_id)
) strict, without rowid
