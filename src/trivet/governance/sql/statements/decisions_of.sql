SELECT seq FROM decision WHERE person IN (SELECT value FROM json_each(?)) ORDER BY seq
