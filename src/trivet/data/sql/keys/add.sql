insert into key (key_id, wrap) values (?, ?)
