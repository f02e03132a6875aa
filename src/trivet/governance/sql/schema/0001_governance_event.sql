-- Which ledger positions hold governance events: the office's own index into the ledger, and its version number.
CREATE TABLE IF NOT EXISTS governance_event (
  seq INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  subject TEXT NOT NULL,
  blob TEXT NOT NULL,
  payload_digest TEXT NOT NULL
)
