-- the columns of a relation
SELECT * FROM {relation} LIMIT 0
