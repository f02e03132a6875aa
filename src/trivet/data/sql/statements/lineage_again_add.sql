insert into lineage_again (receipt, since, spans) values (?, ?, ?) on conflict (receipt, since) do update set spans = excluded.spans
