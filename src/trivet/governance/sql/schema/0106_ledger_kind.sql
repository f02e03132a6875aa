-- where entries of a kind stand; can be made again from the bodies
create table if not exists ledger_kind (
  kind text not null,
  seq integer not null,
  primary key (kind, seq)
) strict, without rowid
