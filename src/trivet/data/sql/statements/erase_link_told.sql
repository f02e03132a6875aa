update link_event set other = ?, moved = ? where id = ?
