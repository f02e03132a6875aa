insert into coverage (source, format, locator, disposition, rule, elements, receipts, first) values (?, ?, ?, ?, ?, ?, ?, ?)
on conflict (source, format, locator, disposition, rule)
do update set elements = elements + excluded.elements, receipts = receipts + excluded.receipts, first = min(first, excluded.first)
