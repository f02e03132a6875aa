-- old units that nobody is done with
select case when state = 'landed' then 'in flight' when state = 'quarantined' then 'quarantined' else 'partial' end, count(*)
from receipt where received_at < ? and (state in ('landed', 'quarantined') or partial = 1)
group by 1
