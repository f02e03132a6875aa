insert into key (key_id, wrap) values (?, ?) on conflict (key_id) do nothing
