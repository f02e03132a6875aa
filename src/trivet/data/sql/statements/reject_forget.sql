delete from reject where receipt = ?
