SELECT use, locked_at, body, seq FROM hypothesis ORDER BY seq
