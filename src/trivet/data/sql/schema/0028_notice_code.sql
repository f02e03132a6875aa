create index if not exists notice_code on notice (kind, system, code)
