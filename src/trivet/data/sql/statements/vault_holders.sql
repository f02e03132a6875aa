select holder_key.holder
from blob join blob_key on blob_key.blob = blob.id join holder_key on holder_key.id = blob_key.holder_key
where blob.address = ? and holder_key.destroyed = 0
order by holder_key.holder
