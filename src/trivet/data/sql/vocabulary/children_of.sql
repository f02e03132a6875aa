select child from edge where edition = ? and parent = ? order by child
