CREATE TABLE IF NOT EXISTS gate_run (
  seq INTEGER PRIMARY KEY,
  gate TEXT NOT NULL,
  model TEXT NOT NULL,
  digest TEXT NOT NULL,
  site TEXT NOT NULL,
  stage_from TEXT NOT NULL,
  stage_to TEXT NOT NULL,
  outcome TEXT NOT NULL,
  failing TEXT NOT NULL,
  evidence_set TEXT NOT NULL,
  policy TEXT NOT NULL,
  at TEXT NOT NULL,
  body TEXT NOT NULL
)
