select blob.id, blob.commitment, blob.kind, blob.place from blob where blob.address = ?
