select holder_key.id, holder_key.key_id, holder_key.holder, blob_key.wrap
from blob_key join holder_key on holder_key.id = blob_key.holder_key
where blob_key.blob = ? and holder_key.destroyed = 0
