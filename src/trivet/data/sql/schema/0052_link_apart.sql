-- pairs of records that a human separated: nothing joins them again but a human; the smaller subject stands first
create table if not exists link_apart (
  one text not null,
  two text not null,
  seq integer not null,
  primary key (one, two)
) strict, without rowid
