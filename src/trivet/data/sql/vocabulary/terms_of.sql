select text, use, language from term where edition = ? and code = ? order by id
