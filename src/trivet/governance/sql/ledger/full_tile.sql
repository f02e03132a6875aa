select hashes from ledger_tile where level = ? and idx = ?
