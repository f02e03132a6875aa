create index if not exists receipt_landed on receipt (seq) where state = 'landed'
