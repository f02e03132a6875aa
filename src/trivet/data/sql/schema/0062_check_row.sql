-- the first rows that break a check; `known_seq` is the receipt to open
create table if not exists check_row (
  run integer not null,
  check_id text not null,
  ordinal integer not null,
  key text not null,
  known_seq integer,
  why text not null,
  primary key (run, check_id, ordinal)
) strict, without rowid
