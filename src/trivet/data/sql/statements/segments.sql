select first, last, file from shelf_segment order by first
