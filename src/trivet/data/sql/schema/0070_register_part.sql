-- what a feed carried on a day: units of a type, and how many containers of a part (segment, resource, entry, row) they hold; part '' is the unit itself
create table if not exists register_part (
  source text not null,
  format text not null,
  day text not null,
  type text not null,
  part text not null,
  units integer not null,
  containers integer not null,
  least integer not null,
  most integer not null,
  primary key (source, format, day, type, part)
) strict, without rowid
