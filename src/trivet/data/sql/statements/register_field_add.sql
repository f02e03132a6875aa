insert into register_field (
  source, format, day, part, field, containers, least, most, elements, shortest, longest,
  digits, decimal, moment, code, words, other, mapped, carried, dropped, uncovered, rejected
) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict (source, format, day, part, field) do update set
  containers = containers + excluded.containers, least = min(least, excluded.least), most = max(most, excluded.most),
  elements = elements + excluded.elements, shortest = min(shortest, excluded.shortest), longest = max(longest, excluded.longest),
  digits = digits + excluded.digits, decimal = decimal + excluded.decimal, moment = moment + excluded.moment,
  code = code + excluded.code, words = words + excluded.words, other = other + excluded.other,
  mapped = mapped + excluded.mapped, carried = carried + excluded.carried, dropped = dropped + excluded.dropped,
  uncovered = uncovered + excluded.uncovered, rejected = rejected + excluded.rejected
