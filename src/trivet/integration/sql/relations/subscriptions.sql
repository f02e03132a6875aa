-- columns: subscription varchar, client varchar, topic varchar, uses varchar, status varchar, reason varchar, content varchar, made_at varchar
-- who subscribed to what happens with decisions
select id, client, topic, uses, status, reason, content, made_at
from out_subscription
where :as_of >= 0
order by made_at, id
