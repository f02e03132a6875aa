update blob set place = 'gone', data = null where id = ?
