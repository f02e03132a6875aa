update identity_record set person = ? where subject = ?
