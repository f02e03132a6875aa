select two from link_apart where one = ?1 union all select one from link_apart where two = ?1
