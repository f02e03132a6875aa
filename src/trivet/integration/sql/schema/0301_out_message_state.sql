create index if not exists out_message_state on out_message (destination, state, number)
