insert into lineage_again (receipt, since, spans) select receipt, :since, spans from lineage_again where receipt = :receipt and since = :known
on conflict (receipt, since) do nothing
