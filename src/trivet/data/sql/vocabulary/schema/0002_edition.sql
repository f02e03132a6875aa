-- One version of one code system, from one load; answered only when its load is `ready`.
create table if not exists edition (
  id integer primary key, load integer not null references load (id), system text not null, version text not null, name text not null,
  sensitive integer not null, complete integer not null, unique (load, system, version)
)
