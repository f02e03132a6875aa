select wrap from key where key_id = ?
