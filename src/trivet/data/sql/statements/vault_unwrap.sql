delete from blob_key where blob = ? and holder_key = ?
