-- columns: seq bigint, at varchar, source varchar, kind varchar, words varchar
-- what happened on the wires: schema drift, counts that differ, outcomes of servers; `words` is JSON
select ledger_kind.seq, json_extract(cast(ledger_entry.body as text), '$.at'), json_extract(cast(ledger_entry.body as text), '$.notes.source'),
  json_extract(cast(ledger_entry.body as text), '$.notes.kind'), json_remove(json_extract(cast(ledger_entry.body as text), '$.notes'), '$.source', '$.kind')
from ledger_kind join ledger_entry on ledger_entry.seq = ledger_kind.seq
where ledger_kind.kind = 'source.event' and ledger_kind.seq <= :as_of
order by ledger_kind.seq
