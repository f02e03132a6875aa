-- what is to be put right at an interface, with its place in the export; a secret is a place, never itself
create table if not exists interface_finding (
  seq integer not null,
  interface integer not null,
  ordinal integer not null,
  kind text not null,
  about text not null,
  detail text not null,
  place text not null,
  line integer not null,
  primary key (seq, interface, ordinal)
) strict, without rowid
