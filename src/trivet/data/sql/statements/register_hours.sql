-- units and bytes of a feed by hour (UTC), with their states
select substr(received_at, 1, 13), count(*), sum(bytes), sum(state = 'mapped'), sum(state = 'quarantined'), sum(state = 'ignored'), sum(partial)
from receipt
where source = :source and format = :format and substr(received_at, 1, 10) >= :since and substr(received_at, 1, 10) <= :until
group by 1 order by 1
