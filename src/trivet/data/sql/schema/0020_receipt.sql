-- one unit that came in; `seq` is the ledger position of its raw.received entry, `run` that of the norm.run that settled it
create table if not exists receipt (
  seq integer primary key,
  source text not null,
  format text not null,
  blob text not null,
  bytes integer not null,
  context integer not null,
  received_at text not null,
  state text not null check (state in ('landed', 'mapped', 'quarantined', 'ignored')),
  reason text not null,
  partial integer not null check (partial in (0, 1)),
  run integer
) strict
