-- all source fields by fate, per source
select source, disposition, sum(elements)::bigint as elements from coverage group by all order by all
