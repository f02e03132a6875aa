create unique index if not exists link_now on link (subject) where until_seq is null
