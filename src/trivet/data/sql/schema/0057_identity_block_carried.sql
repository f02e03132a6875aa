-- keys of a home that knew no briefs
insert or ignore into identity_block (key, record, brief) select key, record, -1 from identity_key
