-- spans of a unit that was read again: what the versions known since that position rest on; the first reading keeps its own
create table if not exists lineage_again (
  receipt integer not null,
  since integer not null,
  spans blob not null,
  primary key (receipt, since)
) strict, without rowid
