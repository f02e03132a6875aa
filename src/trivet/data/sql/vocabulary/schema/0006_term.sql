create table if not exists term (
  id integer primary key, edition integer not null, code text not null, text text not null, use text not null, language text not null,
  unique (edition, code, use, language, text)
)
