insert into interface (seq, ordinal, id, name, kind, engine, version, enabled, described, modified, needs)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
