CREATE TABLE IF NOT EXISTS vote (
  seq INTEGER PRIMARY KEY,
  model TEXT NOT NULL,
  version TEXT NOT NULL,
  digest TEXT NOT NULL,
  site TEXT NOT NULL,
  gate TEXT NOT NULL,
  seat TEXT NOT NULL,
  principal TEXT NOT NULL,
  decision TEXT NOT NULL,
  evidence_set TEXT NOT NULL,
  comment TEXT NOT NULL,
  at TEXT NOT NULL
)
