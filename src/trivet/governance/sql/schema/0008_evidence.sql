CREATE TABLE IF NOT EXISTS evidence (
  id TEXT PRIMARY KEY,
  requirement TEXT NOT NULL,
  kind TEXT NOT NULL,
  model TEXT NOT NULL,
  version TEXT NOT NULL,
  digest TEXT NOT NULL,
  site TEXT NOT NULL,
  population TEXT NOT NULL,
  result TEXT NOT NULL,
  produced_by TEXT NOT NULL,
  produced_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  withdrawn INTEGER NOT NULL DEFAULT 0,
  body TEXT NOT NULL,
  seq INTEGER NOT NULL
)
