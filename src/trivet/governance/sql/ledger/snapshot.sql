-- the head and the edges at one moment
select ledger_head.n, ledger_edge.level, ledger_edge.idx, ledger_edge.hashes
from ledger_head left join ledger_edge on true
where ledger_head.id = 0
