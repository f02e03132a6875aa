INSERT INTO evidence
  (id, requirement, kind, model, version, digest, site, population, result, produced_by, produced_at, expires_at, body, seq)
VALUES
  (:id, :requirement, :kind, :model, :version, :digest, :site, :population, :result, :produced_by, :produced_at, :expires_at, :body, :seq)
