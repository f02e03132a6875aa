create unique index if not exists holder_key_live on holder_key (holder) where destroyed = 0
