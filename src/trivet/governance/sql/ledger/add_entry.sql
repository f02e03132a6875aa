insert into ledger_entry (seq, leaf, body) values (?, ?, ?)
