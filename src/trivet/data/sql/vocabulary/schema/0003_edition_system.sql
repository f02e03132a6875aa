create index if not exists edition_system on edition (system, version)
