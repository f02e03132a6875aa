-- One load: which bytes, read how, how many of its items are in (a broken load goes on from there).
create table if not exists load (
  id integer primary key, digest text not null, kind text not null, release text not null, files text not null,
  state text not null, done integer not null default 0, left_out integer not null default 0, started text not null,
  unique (digest, kind, release)
)
