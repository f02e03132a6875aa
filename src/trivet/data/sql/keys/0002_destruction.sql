-- counts destructions, so that every process drops the keys it holds in memory
create table if not exists destruction (id integer primary key check (id = 0), n integer not null) strict
