insert or ignore into edge (edition, child, parent) values (?, ?, ?)
