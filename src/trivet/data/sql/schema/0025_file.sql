-- a file taken in whole: its length, and how many of its bytes the pieces of its units cover
create table if not exists file (
  seq integer primary key,
  source text not null,
  origin text not null,
  bytes integer not null,
  covered integer not null,
  units integer not null,
  repeats integer not null,
  received_at text not null
) strict
