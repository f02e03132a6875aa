create table if not exists concept (
  edition integer not null, code text not null, display text not null, active integer not null, abstract integer not null,
  since text not null, until text not null, primary key (edition, code)
) without rowid
