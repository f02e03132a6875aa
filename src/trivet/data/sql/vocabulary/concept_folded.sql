select code, display, active, abstract, since, until from concept where edition = ? and code = ? collate nocase
