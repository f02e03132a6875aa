DELETE FROM denial WHERE decision_id IN (SELECT decision_id FROM decision WHERE seq = ?)
