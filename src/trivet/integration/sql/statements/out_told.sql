-- was a decision delivered to one of a client's subscriptions
select count(*)
from out_message as m join out_subscription as s on m.destination = 'subscription:' || s.id
where s.client = ? and m.decision_id = ? and m.state = 'delivered'
