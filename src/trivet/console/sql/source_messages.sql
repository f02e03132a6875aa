-- receipts of one source, newest first, those with trouble on top when asked
select receipt, format, received_at, state, reason, partial, bytes
from messages where source = ? and (? = '' or state = ? or (? = 'partial' and partial))
order by receipt desc limit 50 offset ?
