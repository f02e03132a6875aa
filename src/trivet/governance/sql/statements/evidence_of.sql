SELECT body, seq FROM evidence WHERE digest = ? AND withdrawn = 0 ORDER BY seq
