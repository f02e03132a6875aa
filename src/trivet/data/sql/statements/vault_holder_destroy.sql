update holder_key set destroyed = 1 where id = ?
