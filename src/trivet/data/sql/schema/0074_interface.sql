-- what an export describes: a channel, a code template, a library, global scripts, settings
create table if not exists interface (
  seq integer not null,
  ordinal integer not null,
  id text not null,
  name text not null,
  kind text not null,
  engine text not null,
  version text not null,
  enabled integer not null check (enabled in (0, 1)),
  described integer not null check (described in (0, 1)),
  modified text not null,
  needs text not null,
  primary key (seq, ordinal)
) strict, without rowid
