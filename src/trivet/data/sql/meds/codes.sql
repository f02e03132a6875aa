-- every code of the data, once; of several displays the first by alphabet, so that the same data give the same table
SELECT code, min(code_display) AS description, NULL::VARCHAR[] AS parent_codes, count(*) AS events, count(DISTINCT subject_id) AS subjects
FROM events GROUP BY code ORDER BY code
