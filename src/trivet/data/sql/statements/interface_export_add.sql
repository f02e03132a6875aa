insert into interface_export (seq, blob, bytes, at, state, code, reason, place, byte_at, interfaces) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
