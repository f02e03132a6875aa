-- codes of a coded field on a day; at most 256 for each field and day, those whose digests (rank) are smallest
create table if not exists register_value (
  source text not null,
  format text not null,
  day text not null,
  field text not null,
  rank integer not null,
  value text not null,
  elements integer not null,
  primary key (source, format, day, field, rank, value)
) strict, without rowid
