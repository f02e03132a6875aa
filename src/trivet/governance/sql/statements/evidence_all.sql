SELECT body, seq, withdrawn FROM evidence ORDER BY seq
