select name, value from property where edition = ? and code = ? order by name, value
