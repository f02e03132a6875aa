SELECT table_name, column_name, data_type FROM cdm_columns
