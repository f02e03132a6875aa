delete from blob_key where blob = ?
