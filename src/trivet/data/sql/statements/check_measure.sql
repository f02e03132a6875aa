-- how many rows a check speaks of, how many of them break it, and how many speak of too few to say (their `why` begins so)
SELECT count(*) FILTER (starts_with(coalesce(why, ''), 'insufficient:') IS FALSE) AS total, count(*) FILTER (breaks) AS failing,
  count(*) FILTER (starts_with(coalesce(why, ''), 'insufficient:')) AS short
FROM ({check})
