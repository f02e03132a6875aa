select hashes from ledger_tile where level = ?1 and idx = ?2
union all
select hashes from ledger_edge where level = ?1 and idx = ?2
limit 1
