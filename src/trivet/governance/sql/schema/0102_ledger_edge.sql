-- the partial tile at the right edge of each level
create table if not exists ledger_edge (
  level integer primary key,
  idx integer not null,
  hashes blob not null check (length(hashes) % 32 = 0 and length(hashes) < 8192)
) strict
