create table if not exists mapped (
  load integer not null references load (id), map text not null, version text not null, source_system text not null, source_code text not null,
  target_system text not null, target_code text not null, target_display text not null, relation text not null,
  primary key (source_system, source_code, map, version, target_system, target_code, load)
) without rowid
