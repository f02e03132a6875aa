-- the newest vital signs and blood values, how they moved, and who the person is
SELECT case_id, feature, number AS value, taken_at AS newest_at, why, [{'record': record, 'version': version, 'path': path}] AS facts FROM newest
UNION ALL
SELECT case_id, feature, value, newest_at, why, facts FROM change
UNION ALL
SELECT case_id, feature, value, newest_at, why, facts FROM persona
