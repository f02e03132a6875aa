update ledger_head set n = n + ? where id = 0 returning n
