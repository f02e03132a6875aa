select records from identity_term where field = ? and term = ?
