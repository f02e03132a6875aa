delete from lineage where receipt = ?
