insert into register_part (source, format, day, type, part, units, containers, least, most) values (?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict (source, format, day, type, part) do update set
  units = units + excluded.units, containers = containers + excluded.containers,
  least = min(least, excluded.least), most = max(most, excluded.most)
