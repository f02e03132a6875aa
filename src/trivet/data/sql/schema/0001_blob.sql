-- one encrypted item of the vault; `data` is null when the bytes stand in a file, or are erased (place = 'gone')
create table if not exists blob (
  id integer primary key,
  address text not null unique,
  kind text not null,
  size integer not null,
  codec text not null check (codec in ('plain', 'zlib')),
  place text not null check (place in ('row', 'file', 'gone')),
  data blob,
  commitment text not null
) strict
