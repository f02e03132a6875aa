insert into lineage (receipt, spans) values (?, ?) on conflict (receipt) do update set spans = excluded.spans
