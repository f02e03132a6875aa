SELECT {field_text} AS missing WHERE {field_text} NOT IN (SELECT column_name FROM cdm_columns WHERE table_name = {table_text})
