SELECT id FROM evidence WHERE withdrawn = 1
