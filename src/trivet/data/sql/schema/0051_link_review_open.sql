create index if not exists link_review_open on link_review (state, id)
