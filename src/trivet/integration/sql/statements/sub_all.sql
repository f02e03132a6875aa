select id, client, topic, event, uses, status, reason, content, heartbeat, timeout, ends_at, made_at, blob
from out_subscription
where (:client = '' or client = :client)
order by cast(substr(id, 5) as integer)
