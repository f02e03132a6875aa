select n from ledger_head where id = 0
