SELECT {table_text} AS missing WHERE {table_text} NOT IN (SELECT table_name FROM cdm_columns)
