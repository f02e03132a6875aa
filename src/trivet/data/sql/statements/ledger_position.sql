-- the last position up to which no entry is later than an instant
select coalesce(max(seq), -1) from ledger_entry where json_extract(cast(body as text), '$.at') <= ?
