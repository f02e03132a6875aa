select body from ledger_entry where seq = ?
