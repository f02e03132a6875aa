insert or ignore into identity_key (key, record) values (?, ?)
