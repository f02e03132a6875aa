-- many blobs, each once for every key that wraps it; the key's columns are null where it was destroyed, or nobody holds the blob
select blob.address, blob.id, blob.kind, blob.size, blob.codec, blob.place, blob.data, blob.commitment,
  holder_key.id, holder_key.key_id, holder_key.holder, blob_key.wrap
from blob
left join blob_key on blob_key.blob = blob.id
left join holder_key on holder_key.id = blob_key.holder_key and holder_key.destroyed = 0
where blob.address in (select value from json_each(?))
