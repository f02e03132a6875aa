create index if not exists out_message_decision on out_message (decision_id)
