-- the exact bytes that were hashed, and their RFC 6962 leaf hash; `seq` counts from 0 without a gap
create table if not exists ledger_entry (
  seq integer primary key check (seq >= 0),
  leaf blob not null check (length(leaf) = 32),
  body blob not null check (length(body) between 1 and 65535)
) strict
