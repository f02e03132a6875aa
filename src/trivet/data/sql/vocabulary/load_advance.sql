update load set done = ?, left_out = ? where id = ?
