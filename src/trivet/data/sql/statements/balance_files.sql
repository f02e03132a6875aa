select source, count(*), coalesce(sum(bytes), 0), coalesce(sum(covered), 0), coalesce(sum(units), 0)
from file
group by source
order by source
