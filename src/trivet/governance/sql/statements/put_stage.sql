INSERT INTO stage (digest, site, stage, at, seq) VALUES (:digest, :site, :stage, :at, :seq)
ON CONFLICT (digest, site) DO UPDATE SET stage = excluded.stage, at = excluded.at, seq = excluded.seq
