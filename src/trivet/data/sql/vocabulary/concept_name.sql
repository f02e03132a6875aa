update concept set display = ? where edition = ? and code = ?
