insert into register_day (source, format, day, sums) values (?, ?, ?, ?)
on conflict (source, format, day) do update set sums = excluded.sums
