CREATE TRIGGER IF NOT EXISTS governance_event_kept BEFORE UPDATE ON governance_event
BEGIN
  SELECT RAISE(ABORT, 'S11: an event is never changed');
END
