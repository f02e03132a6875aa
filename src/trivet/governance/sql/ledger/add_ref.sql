insert into ledger_ref (ref, seq) values (?, ?) on conflict (ref, seq) do nothing
