select kind, count(*) from ledger_kind group by kind order by kind
