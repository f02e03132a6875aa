delete from out_attempt where destination = ? and number = ?
