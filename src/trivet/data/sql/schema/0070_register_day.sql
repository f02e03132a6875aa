-- what a feed carried on a day (UTC), added up, as one JSON object; its form stands in data/interfaces/sums.py
create table if not exists register_day (
  source text not null,
  format text not null,
  day text not null,
  sums text not null,
  primary key (source, format, day)
) strict
