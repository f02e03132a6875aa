select record, brief from identity_block where key = ? limit ?
