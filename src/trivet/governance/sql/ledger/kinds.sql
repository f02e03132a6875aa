select kind, count(*) from ledger_kind where seq < ? group by kind
