SELECT site, stage FROM stage WHERE digest = ?
