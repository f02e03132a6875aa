create index if not exists delivery_receipt on delivery (receipt)
