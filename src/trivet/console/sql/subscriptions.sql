-- who subscribed to what, those that ended last
select subscription, client, topic, uses, status, reason, content, made_at
from subscriptions
order by status = 'off', made_at, subscription
