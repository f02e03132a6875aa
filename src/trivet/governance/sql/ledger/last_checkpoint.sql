select n, root, note, at from ledger_checkpoint order by n desc limit 1
