select id, state, done, left_out from load where digest = ? and kind = ? and release = ?
