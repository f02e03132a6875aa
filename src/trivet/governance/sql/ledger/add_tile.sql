insert into ledger_tile (level, idx, hashes) values (?, ?, ?)
