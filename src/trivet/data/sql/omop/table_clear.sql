DELETE FROM {schema}"{table}"
