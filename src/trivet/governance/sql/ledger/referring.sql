select seq from ledger_ref where ref = ? order by seq
