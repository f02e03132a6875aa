delete from identity_block where key = ? and record = ?
