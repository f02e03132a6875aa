SELECT coalesce(max(seq), -1) FROM governance_event
