-- connectors, filter rules, transformer steps and scripts of an interface; a script has lines, a connector an endpoint
create table if not exists interface_part (
  seq integer not null,
  interface integer not null,
  ordinal integer not null,
  role text not null,
  connector text not null,
  name text not null,
  type text not null,
  enabled integer not null check (enabled in (0, 1)),
  endpoint text not null,
  secure text not null,
  queue text not null,
  inbound text not null,
  outbound text not null,
  lines integer not null,
  comments integer not null,
  dead integer not null,
  place text not null,
  primary key (seq, interface, ordinal)
) strict, without rowid
