create virtual table if not exists term_text using fts5 (text, content='term', content_rowid='id', tokenize='unicode61 remove_diacritics 2')
