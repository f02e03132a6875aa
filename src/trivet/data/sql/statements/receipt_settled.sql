-- settled units by source, time of arrival and state ('' and null: any), in the order of their numbers
select seq, source, format, state, blob, received_at, reason, partial, run
from receipt
where seq > :after and state <> 'landed'
  and (:source = '' or source = :source) and (:state = '' or state = :state)
  and received_at >= :since and received_at < :until
order by seq limit :limit
