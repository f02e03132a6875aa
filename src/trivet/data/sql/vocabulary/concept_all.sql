select code, display, active, abstract, since, until from concept where edition = ? order by code
