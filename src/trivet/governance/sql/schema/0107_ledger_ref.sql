-- which entries rest on an entry; can be made again from the bodies
create table if not exists ledger_ref (
  ref integer not null,
  seq integer not null,
  primary key (ref, seq)
) strict, without rowid
