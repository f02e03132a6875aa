insert into ledger_checkpoint (n, root, note, at) values (?, ?, ?, ?)
