INSERT INTO hypothesis (digest, use, metric, locked_at, body, seq) VALUES (:digest, :use, :metric, :locked_at, :body, :seq)
