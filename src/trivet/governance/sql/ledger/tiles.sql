select level, idx, hashes from ledger_tile order by level, idx
