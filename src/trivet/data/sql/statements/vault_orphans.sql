-- blobs that only this holder could open
select blob.id, blob.address, blob.place
from blob_key join blob on blob.id = blob_key.blob
where blob_key.holder_key = ?
  and not exists (
    select 1 from blob_key as other join holder_key on holder_key.id = other.holder_key
    where other.blob = blob_key.blob and other.holder_key <> blob_key.holder_key and holder_key.destroyed = 0
  )
