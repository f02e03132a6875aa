update repair set state = ?, decided = ?, made = coalesce(?, made) where id = ?
