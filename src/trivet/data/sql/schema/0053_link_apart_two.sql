create index if not exists link_apart_two on link_apart (two)
