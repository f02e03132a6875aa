-- the thread of an earlier decision at a destination, and the latest time said in it
select thread, (select max(m.at) from out_message as m where m.destination = o.destination and m.thread = o.thread)
from out_message as o
where o.destination = ? and o.decision_id = ?
limit 1
