select n, root, note, at from ledger_checkpoint where n > ? order by n limit 1
