insert into identity_block (key, record, brief) values (?, ?, ?)
on conflict (key, record) do update set brief = excluded.brief
