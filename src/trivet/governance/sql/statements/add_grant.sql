INSERT INTO serving_grant (id, model, version, digest, stage, not_before, expires_at, body, seq)
VALUES (:id, :model, :version, :digest, :stage, :not_before, :expires_at, :body, :seq)
