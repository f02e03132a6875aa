-- What must leave the house once its decision is durable. Sinks take `waiting` rows and mark them.
CREATE TABLE IF NOT EXISTS outbox (
  decision_id TEXT NOT NULL,
  sink TEXT NOT NULL,
  state TEXT NOT NULL,
  made_at TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  last_error TEXT NOT NULL DEFAULT '',
  done_at TEXT NOT NULL DEFAULT '',
  seq INTEGER NOT NULL,
  PRIMARY KEY (decision_id, sink)
)
