update record_version set ordinal = -(ordinal + ?) where ordinal between ? and ?
