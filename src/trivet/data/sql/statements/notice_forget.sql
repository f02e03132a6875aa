delete from notice where receipt = ?
