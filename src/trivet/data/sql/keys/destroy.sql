delete from key where key_id = ?
