insert into out_subscription (id, client, topic, event, uses, status, reason, content, heartbeat, timeout, ends_at, made_at, blob)
values (:id, :client, :topic, :event, :uses, :status, :reason, :content, :heartbeat, :timeout, :ends_at, :made_at, :blob)
on conflict (id) do update set
  topic = excluded.topic, event = excluded.event, uses = excluded.uses, status = excluded.status, reason = excluded.reason,
  content = excluded.content, heartbeat = excluded.heartbeat, timeout = excluded.timeout, ends_at = excluded.ends_at, blob = excluded.blob
