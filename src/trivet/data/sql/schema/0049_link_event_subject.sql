create index if not exists link_event_subject on link_event (subject)
