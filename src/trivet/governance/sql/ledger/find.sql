select ledger_kind.seq, ledger_entry.body
from ledger_kind join ledger_entry on ledger_entry.seq = ledger_kind.seq
where ledger_kind.kind = ? and ledger_kind.seq > ?
order by ledger_kind.seq limit ?
