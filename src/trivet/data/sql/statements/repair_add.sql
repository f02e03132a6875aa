insert into repair (id, found, kind, check_id, record, version, subject, edits, evidence, state) values (?, ?, ?, ?, ?, ?, ?, ?, ?, 'open')
on conflict (id) do nothing
