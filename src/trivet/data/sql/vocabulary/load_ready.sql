update load set state = 'ready' where id = ?
