-- entries by kind
select kind, count(*) as entries, max(seq) as newest from ledger group by kind order by entries desc
