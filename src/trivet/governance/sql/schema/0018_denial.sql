CREATE TABLE IF NOT EXISTS denial (
  seq INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  decision_id TEXT NOT NULL,
  use TEXT NOT NULL,
  model TEXT NOT NULL,
  version TEXT NOT NULL,
  model_digest TEXT NOT NULL,
  site TEXT NOT NULL,
  mode TEXT NOT NULL,
  came_of TEXT NOT NULL,
  failed TEXT NOT NULL,
  answered_by TEXT NOT NULL
)
