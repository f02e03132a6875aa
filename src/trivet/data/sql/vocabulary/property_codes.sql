select code from property where edition = ? and name = ? and value = ? order by code
