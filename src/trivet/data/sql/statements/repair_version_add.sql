insert into repair_version (record, version, said) values (?, ?, ?)
