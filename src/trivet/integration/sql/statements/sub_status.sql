update out_subscription set status = :status, reason = :reason where id = :id and status <> :status
returning client, topic
