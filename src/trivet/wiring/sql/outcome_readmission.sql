-- the newest cases first: every acute discharge at least 30 days old, with whether an unplanned stay of the same person began within 30 days of it
with stay as (
  select person, start_at, end_at, coalesce(type_code, priority, '') as acuity, list_sort(list_transform(identifiers, lambda x: x.value)) as visit
  from encounter
  where class in ('IMP', 'ACUTE', 'NONAC') and source = ? and person is not null and start_at is not null
)
select gone.person, strftime(gone.end_at, '%Y-%m-%dT%H:%M:%S.000000Z') as instant, count(back.person) > 0 as outcome
from stay gone
left join stay back on back.person = gone.person and back.visit <> gone.visit and back.start_at > gone.end_at
  and back.start_at <= gone.end_at + interval 30 day and back.acuity not in ('C', 'R', 'L', 'EL')
where gone.end_at <= cast(? as timestamp) - interval 30 day
group by gone.person, gone.end_at, gone.visit
order by instant desc, gone.person desc limit ?
