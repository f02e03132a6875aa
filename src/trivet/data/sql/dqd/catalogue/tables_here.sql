SELECT table_name FROM information_schema.tables WHERE table_catalog = 'memory' AND table_schema = 'main'
