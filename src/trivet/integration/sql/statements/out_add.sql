insert into out_message (destination, number, key, seq, decision_id, event, use, model, status, thread, earlier, at)
values (:destination, :number, :key, :seq, :decision_id, :event, :use, :model, :status, :thread, :earlier, :at)
