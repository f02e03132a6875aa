-- everything that is known at discharge: who, how long, how ill, how often before, by what means, and on what kind of ward
SELECT case_id, feature, number AS value, taken_at AS newest_at, why, [{'record': record, 'version': version, 'path': path}] AS facts FROM newest
UNION ALL SELECT case_id, feature, value, newest_at, why, facts FROM persona
UNION ALL SELECT case_id, feature, value, newest_at, why, facts FROM stay_fact
UNION ALL SELECT case_id, feature, value, newest_at, why, facts FROM earlier_visit
UNION ALL SELECT case_id, feature, value, newest_at, why, facts FROM illness
UNION ALL SELECT case_id, feature, value, newest_at, why, facts FROM treatment
UNION ALL SELECT case_id, feature, value, newest_at, why, facts FROM administration
UNION ALL SELECT case_id, feature, value, newest_at, why, facts FROM ward
