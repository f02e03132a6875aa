-- how many messages a destination was ever given: numbers have no gaps and are never used twice
create table if not exists out_counter (
  destination text primary key,
  last integer not null
) strict
