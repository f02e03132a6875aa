-- the exact bytes that were hashed; `seq` counts from 0 without a gap
create table if not exists ledger_entry (
  seq integer primary key check (seq >= 0),
  body blob not null check (length(body) between 1 and 65535)
) strict
