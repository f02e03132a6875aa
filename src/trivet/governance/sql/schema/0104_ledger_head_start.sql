insert into ledger_head (id, n) values (0, 0) on conflict (id) do nothing
