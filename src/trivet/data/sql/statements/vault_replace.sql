update blob set kind = ?, size = ?, codec = ?, place = ?, data = ?, commitment = ? where id = ?
