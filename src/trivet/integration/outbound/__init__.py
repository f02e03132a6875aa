"""Ways out. Nothing leaves before the ledger entry that explains it is durable."""
