create index if not exists blob_key_holder on blob_key (holder_key)
