delete from blob_key where holder_key = ?
