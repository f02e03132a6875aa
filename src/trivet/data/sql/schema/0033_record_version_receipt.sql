create index if not exists record_version_receipt on record_version (receipt)
