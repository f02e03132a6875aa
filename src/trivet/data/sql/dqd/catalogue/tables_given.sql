SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = 'given' ORDER BY table_schema <> 'main', table_schema, table_name
