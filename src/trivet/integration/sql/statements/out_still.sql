select attempts from out_message where destination = ? and number = ? and state = 'waiting'
