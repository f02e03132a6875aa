-- the same bytes from the same source are one receipt
create unique index if not exists receipt_once on receipt (source, blob)
