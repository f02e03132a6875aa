delete from shelf_segment where first >= ?
