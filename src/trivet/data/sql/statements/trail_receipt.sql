select seq, source, format, state, blob, received_at, bytes, run from receipt where seq = ?
