select system, id from edition where load = ?
