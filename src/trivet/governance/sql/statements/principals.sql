SELECT principal, name, department, profession, active FROM principal ORDER BY principal
