-- person of each Patient record over time: the row with until_seq null stands now; `event` says why
create table if not exists link (
  id integer primary key,
  subject text not null,
  person text not null,
  known_seq integer not null,
  until_seq integer,
  event integer not null
) strict
