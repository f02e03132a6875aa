CREATE TABLE IF NOT EXISTS route (
  use TEXT NOT NULL,
  site TEXT NOT NULL,
  version INTEGER NOT NULL,
  active TEXT NOT NULL,
  fallbacks TEXT NOT NULL,
  shadows TEXT NOT NULL,
  view TEXT NOT NULL,
  instead TEXT NOT NULL,
  at TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (use, site, version)
)
