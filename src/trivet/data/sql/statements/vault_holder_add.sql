insert into holder_key (holder, key_id) values (?, ?) returning id
