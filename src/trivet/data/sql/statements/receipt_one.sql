select seq, source, format, state, blob, received_at from receipt where seq = ?
