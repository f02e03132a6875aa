select seq, origin, received_at, pieces, repeated from delivery where receipt = ? order by seq, ordinal
