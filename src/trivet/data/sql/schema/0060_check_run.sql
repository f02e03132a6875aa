-- one run of the quality checks; `seq` is the ledger position of its check.run entry, `as_of` the position of the data it saw
create table if not exists check_run (
  seq integer primary key,
  at text not null,
  as_of integer,
  checks integer not null,
  failed integer not null
) strict
