delete from identity_key where key = ? and record = ?
