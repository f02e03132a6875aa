SELECT principal, name, department, profession, active FROM principal WHERE principal = ?
