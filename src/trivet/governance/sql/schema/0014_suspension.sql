CREATE TABLE IF NOT EXISTS suspension (
  seq INTEGER PRIMARY KEY,
  model TEXT NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  at TEXT NOT NULL,
  lifted_at TEXT NOT NULL DEFAULT '',
  lifted_seq INTEGER
)
