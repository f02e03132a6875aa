create index if not exists concept_folded on concept (edition, code collate nocase)
