-- which erasure the Parquet files and what is held in memory stand behind
select coalesce(max(seq), -1) from ledger_kind where kind = 'erasure'
