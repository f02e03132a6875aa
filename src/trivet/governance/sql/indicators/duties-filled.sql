-- every duty of every registered model: is somebody on it now?
WITH given AS (SELECT CAST(? AS JSON) AS g),
needed AS (
  SELECT DISTINCT releases.model AS system, duty.value AS seat
  FROM releases, given, unnest(CAST(g -> 'duties' AS VARCHAR[])) AS duty(value)
)
SELECT seats.principal IS NOT NULL AS ok, needed.system, needed.seat, coalesce(seats.principal, '') AS principal, coalesce(seats.since, '') AS since
FROM needed LEFT JOIN seats ON seats.system = needed.system AND seats.seat = needed.seat AND seats.until = ''
ORDER BY ok, needed.system, needed.seat
