-- one receipt
select receipt, source, format, received_at, state, reason, partial, bytes from messages where receipt = ?
