CREATE TABLE cdm_columns AS
SELECT lower(table_name) AS table_name, lower(column_name) AS column_name, lower(data_type) AS data_type
FROM information_schema.columns
WHERE table_catalog = 'memory' AND table_schema = 'main'
