-- A duty is held by exactly one person at a time: the store itself refuses a second.
CREATE UNIQUE INDEX IF NOT EXISTS seat_one ON seat (system, seat) WHERE until = ''
