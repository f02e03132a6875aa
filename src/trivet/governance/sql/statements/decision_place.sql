SELECT decision_id, seq, blob FROM decision WHERE decision_id = ?1 OR (?1 = CAST(seq AS TEXT))
