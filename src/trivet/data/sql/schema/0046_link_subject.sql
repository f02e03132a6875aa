create index if not exists link_subject on link (subject, known_seq)
