-- how many rows a relation has
SELECT count(*) AS size FROM {relation}
