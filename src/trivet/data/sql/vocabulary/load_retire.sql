update load set state = 'replaced' where kind = ? and id <> ? and state = 'ready'
