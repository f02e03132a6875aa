insert into ledger_kind (kind, seq) values (?, ?)
