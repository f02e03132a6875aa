-- how many entries there are
create table if not exists ledger_head (
  id integer primary key check (id = 0),
  n integer not null
) strict
