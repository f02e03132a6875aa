select seq, leaf, body from ledger_entry where seq >= ? and seq < ? order by seq
