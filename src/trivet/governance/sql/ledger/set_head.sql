update ledger_head set n = ? where id = 0
