-- full tiles of C2SP tlog-tiles: 256 hashes; level 0 holds leaf hashes, level 1 the roots of full level 0 tiles, ...
create table if not exists ledger_tile (
  level integer not null,
  idx integer not null,
  hashes blob not null check (length(hashes) = 8192),
  primary key (level, idx)
) strict, without rowid
