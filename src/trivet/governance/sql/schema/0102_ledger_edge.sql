-- the partial tile at the right edge of each level above the leaves, whose own edge is the entries behind the last full tile
create table if not exists ledger_edge (
  level integer primary key check (level > 0),
  idx integer not null,
  hashes blob not null check (length(hashes) % 32 = 0 and length(hashes) < 8192)
) strict
