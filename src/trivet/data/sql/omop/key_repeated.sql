SELECT "{key}" FROM "{table}" GROUP BY "{key}" HAVING count(*) > 1 LIMIT 1
