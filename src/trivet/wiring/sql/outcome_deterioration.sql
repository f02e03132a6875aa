-- the newest cases first: one set of vital signs a person and day, with whether intensive care or death on the ward followed within 24 hours
with taken as (
  select person, min(taken_at) as at from measurement
  where source = ? and person is not null and taken_at <= cast(? as timestamp) - interval 24 hour
  group by person, cast(taken_at as date)
),
worse as (
  select person, start_at as at from bed_stay where list_contains(?, left(location_name, 3)) and person is not null
  union all
  select person, end_at as at from encounter where disposition = '20' and person is not null and end_at is not null
)
select taken.person, strftime(taken.at, '%Y-%m-%dT%H:%M:%S.000000Z') as instant, count(worse.person) > 0 as outcome
from taken left join worse on worse.person = taken.person and worse.at > taken.at and worse.at <= taken.at + interval 24 hour
group by taken.person, taken.at
order by instant desc, taken.person desc limit ?
