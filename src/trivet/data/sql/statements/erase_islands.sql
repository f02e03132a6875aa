-- the numbers that record versions have, as stretches without a gap
select min(ordinal), max(ordinal)
from (select ordinal, ordinal - row_number() over (order by ordinal) as stretch from record_version)
group by stretch
order by 1
