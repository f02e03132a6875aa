-- One row for each decision, so that it can be found; the record itself is the blob.
CREATE TABLE IF NOT EXISTS decision (
  seq INTEGER PRIMARY KEY,
  number INTEGER NOT NULL UNIQUE,
  decision_id TEXT NOT NULL UNIQUE,
  use TEXT NOT NULL,
  model TEXT NOT NULL,
  version TEXT NOT NULL,
  model_digest TEXT NOT NULL,
  person TEXT NOT NULL,
  site TEXT NOT NULL,
  instant TEXT NOT NULL,
  as_of INTEGER NOT NULL,
  decided_at TEXT NOT NULL,
  outcome TEXT NOT NULL,
  mode TEXT NOT NULL,
  reason TEXT NOT NULL,
  grant_id TEXT NOT NULL,
  caused_by TEXT NOT NULL,
  blob TEXT NOT NULL
)
