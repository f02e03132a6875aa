CREATE TABLE IF NOT EXISTS model_release (
  digest TEXT PRIMARY KEY,
  model TEXT NOT NULL,
  version TEXT NOT NULL,
  artefact TEXT NOT NULL,
  kind TEXT NOT NULL,
  output TEXT NOT NULL,
  tier TEXT NOT NULL,
  title TEXT NOT NULL,
  uses TEXT NOT NULL,
  population TEXT NOT NULL,
  developers TEXT NOT NULL,
  requested_by TEXT NOT NULL,
  lifetime_days INTEGER NOT NULL,
  registered_at TEXT NOT NULL,
  seq INTEGER NOT NULL,
  UNIQUE (model, version)
)
