create table if not exists valueset (
  load integer not null references load (id), url text not null, version text not null, body text not null, primary key (url, version, load)
) without rowid
