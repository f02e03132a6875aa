update receipt set state = ?, reason = ?, partial = ?, run = ? where seq = ?
