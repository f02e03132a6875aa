insert into wire_name (source, name, mark, receipt, changes) values (?, ?, ?, ?, 1)
on conflict (source, name) do update set mark = excluded.mark, receipt = excluded.receipt, changes = changes + (mark <> excluded.mark)
