select blob, seq, format, state, received_at from receipt where source = ? and blob in (select value from json_each(?))
