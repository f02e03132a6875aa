insert into ledger_edge (level, idx, hashes) values (?, ?, ?)
on conflict (level) do update set idx = excluded.idx, hashes = excluded.hashes
