insert into receipt (seq, source, format, blob, bytes, context, received_at, state, reason, partial, run)
values (?, ?, ?, ?, ?, ?, ?, 'landed', '', 0, null)
