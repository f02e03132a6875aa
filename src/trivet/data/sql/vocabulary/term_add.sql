insert or ignore into term (edition, code, text, use, language) values (?, ?, ?, ?, ?)
