select seq, source, format, state, blob, received_at from receipt where state = 'landed' and seq > ? order by seq limit ?
