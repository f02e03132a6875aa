-- newest entries of a kind, or of all
select seq, kind, "at" as written_at from ledger where (? = '' or kind = ?) order by seq desc limit 50 offset ?
