-- entries that are not later than an instant, the last first, each with its own instant
select seq, json_extract(cast(body as text), '$.at') as at from ledger_entry where at <= ? order by seq desc
