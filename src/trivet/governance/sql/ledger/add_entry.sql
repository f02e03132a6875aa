insert into ledger_entry (seq, body) values (?, ?)
