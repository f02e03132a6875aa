-- the newest set of vital signs of each person between two instants
select person, strftime(max(taken_at), '%Y-%m-%dT%H:%M:%S.000000Z') as instant
from measurement
where source = ? and taken_at >= cast(? as timestamp) and taken_at < cast(? as timestamp) and person is not null
group by person
order by instant, person
