CREATE TABLE IF NOT EXISTS principal (
  principal TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  department TEXT NOT NULL,
  profession TEXT NOT NULL,
  active INTEGER NOT NULL,
  seq INTEGER NOT NULL
)
