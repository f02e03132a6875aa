-- discharges from the wards between two instants: one row a stay, as admissions told it
select person, max(strftime(end_at, '%Y-%m-%dT%H:%M:%S.000000Z')) as instant
from encounter
where class = 'IMP' and status = 'finished' and source = ? and end_at >= cast(? as timestamp) and end_at < cast(? as timestamp) and person is not null
group by person, list_sort(list_transform(identifiers, lambda x: x.value))
order by instant, person
