insert into edition (load, system, version, name, sensitive, complete) values (?, ?, ?, ?, ?, ?)
on conflict (load, system, version) do update set name = excluded.name returning id
