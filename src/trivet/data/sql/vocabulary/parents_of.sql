select parent from edge where edition = ? and child = ? order by parent
