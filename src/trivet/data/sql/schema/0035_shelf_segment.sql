-- Parquet copies of record versions for bulk reading: those with `first` <= ordinal <= `last`; a cache, made again at will
create table if not exists shelf_segment (
  first integer primary key,
  last integer not null,
  file text not null unique
) strict
