insert or ignore into link_apart (one, two, seq) values (?, ?, ?)
