update identity_record set digest = ?, features = ?, last_seq = ? where id = ?
