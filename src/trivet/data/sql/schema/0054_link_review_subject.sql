create index if not exists link_review_subject on link_review (subject) where state = 'open'
