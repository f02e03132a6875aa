CREATE TABLE IF NOT EXISTS seat (
  system TEXT NOT NULL,
  seat TEXT NOT NULL,
  principal TEXT NOT NULL REFERENCES principal(principal),
  since TEXT NOT NULL,
  until TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  seq INTEGER NOT NULL,
  PRIMARY KEY (system, seat, seq)
)
