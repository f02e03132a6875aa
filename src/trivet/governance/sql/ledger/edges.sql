select level, idx, hashes from ledger_edge order by level
