insert into shelf_segment (first, last, file) values (?, ?, ?)
