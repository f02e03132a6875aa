select spans from lineage where receipt = ?
