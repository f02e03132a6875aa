-- head, number of entries, length of the lowest edge, size of the last checkpoint: what must fit together before anything is added
select
  (select n from ledger_head where id = 0),
  (select coalesce(max(seq), -1) + 1 from ledger_entry),
  (select coalesce(max(length(hashes)), 0) / 32 from ledger_edge where level = 1),
  (select coalesce(max(n), 0) from ledger_checkpoint)
