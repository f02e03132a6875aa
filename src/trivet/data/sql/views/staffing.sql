-- what was counted about a place: census, beds, nurses on duty; one row per value, `place` is Location/<id>
SELECT record, version, known_seq, until_seq, source, about AS place, status, taken_at, element, system, code, display, codes, value, lexeme, unit
FROM measurement
WHERE subject IS NULL AND about LIKE 'Location/%'
