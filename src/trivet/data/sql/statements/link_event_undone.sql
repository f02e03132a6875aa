select id from link_event where undoes = ?
