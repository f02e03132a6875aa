create table if not exists property (
  edition integer not null, code text not null, name text not null, value text not null, primary key (edition, code, name, value)
) without rowid
