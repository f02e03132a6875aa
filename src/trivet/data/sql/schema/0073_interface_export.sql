-- one export of an interface engine that was read; `seq` is the position of its register.import entry
create table if not exists interface_export (
  seq integer primary key,
  blob text not null,
  bytes integer not null,
  at text not null,
  state text not null check (state in ('read', 'quarantined')),
  code text not null,
  reason text not null,
  place text not null,
  byte_at integer not null,
  interfaces integer not null
) strict
