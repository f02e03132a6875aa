-- two periods of one person that share a day, or where one begins the day after the other ends
SELECT DISTINCT t.person_id
FROM observation_period AS t
JOIN observation_period AS o ON o.person_id = t.person_id AND o.observation_period_id <> t.observation_period_id
WHERE (t.observation_period_start_date <= o.observation_period_end_date AND t.observation_period_end_date >= o.observation_period_start_date)
  OR CAST(t.observation_period_end_date AS DATE) + 1 = CAST(o.observation_period_start_date AS DATE)
  OR CAST(o.observation_period_end_date AS DATE) + 1 = CAST(t.observation_period_start_date AS DATE)
