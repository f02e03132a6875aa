create index if not exists property_value on property (edition, name, value)
