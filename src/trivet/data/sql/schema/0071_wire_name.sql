-- names that a source uses (rows by their key, files by their path), hidden behind keyed digests, with what was landed last
create table if not exists wire_name (
  source text not null,
  name text not null,
  mark text not null,
  receipt integer not null,
  changes integer not null,
  primary key (source, name)
) strict, without rowid
