insert into identity_term (field, term, records) values (?, ?, 1) on conflict (field, term) do update set records = records + 1
