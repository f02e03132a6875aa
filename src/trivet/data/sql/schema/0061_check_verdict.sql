create table if not exists check_verdict (
  run integer not null,
  check_id text not null,
  table_name text not null,
  failing integer not null,
  total integer not null,
  threshold real not null,
  verdict text not null check (verdict in ('pass', 'fail', 'not-applicable', 'error')),
  severity text not null,
  owner text not null,
  reason text not null,
  primary key (run, check_id)
) strict, without rowid
