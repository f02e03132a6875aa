update record_version set subject = null, valid_at = null, deleted = 0, digest = ?, body = ? where ordinal = ?
