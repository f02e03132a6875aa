select id, kind, size, codec, place, data, commitment from blob where address = ?
