CREATE VIEW "{name}" AS FROM given."{schema}"."{table}"
