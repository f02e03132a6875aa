delete from link_apart where one = ? and two = ?
