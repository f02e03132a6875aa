insert into interface_finding (seq, interface, ordinal, kind, about, detail, place, line) values (?, ?, ?, ?, ?, ?, ?, ?)
