DELETE FROM decision WHERE seq = ?
