-- columns: seq bigint, kind varchar, at varchar
-- the ledger's entries: when, and of what kind
select ledger_kind.seq, ledger_kind.kind, json_extract(cast(ledger_entry.body as text), '$.at')
from ledger_kind join ledger_entry on ledger_entry.seq = ledger_kind.seq
where ledger_kind.seq <= :as_of
order by ledger_kind.seq
