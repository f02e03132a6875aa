-- how many rows a check speaks of, and how many of them break it
SELECT count(*) AS total, count(*) FILTER (breaks) AS failing FROM ({check})
