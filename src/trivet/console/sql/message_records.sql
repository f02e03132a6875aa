-- the record versions that one receipt made
select key, type, version, person, valid_at from records where receipt = ? order by key, version
