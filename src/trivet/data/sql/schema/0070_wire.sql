-- how far each source came, and how its last poll ended; no projection: what is lost here is asked for again and lands once
create table if not exists wire (
  source text primary key,
  bookmark text not null default '{}',
  polled_at text,
  heard_at text,
  code text not null default '',
  what text not null default '',
  failures integer not null default 0
) strict, without rowid
