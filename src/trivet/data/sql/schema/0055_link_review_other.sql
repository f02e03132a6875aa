create index if not exists link_review_other on link_review (other) where state = 'open'
