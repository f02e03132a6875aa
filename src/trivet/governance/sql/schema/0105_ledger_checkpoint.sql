-- signed heads, one for each size
create table if not exists ledger_checkpoint (
  n integer primary key,
  root blob not null check (length(root) = 32),
  note text not null,
  at text not null
) strict
