-- how far the intake journal is landed: the number of the last slip in it that has its receipt
create table if not exists intake (
  one integer primary key check (one = 1),
  through integer not null
) strict
