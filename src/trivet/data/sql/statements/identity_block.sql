select record from identity_key where key = ? limit ?
