update identity_term set records = records - 1 where field = ? and term = ?
