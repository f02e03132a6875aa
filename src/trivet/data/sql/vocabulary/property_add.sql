insert or ignore into property (edition, code, name, value) values (?, ?, ?, ?)
