SELECT use, site, version, active, fallbacks, shadows, view, instead, seq FROM route
WHERE (use, site, version) IN (SELECT use, site, max(version) FROM route GROUP BY use, site)
ORDER BY use, site
