insert into blob (id, address, kind, size, codec, place, data, commitment) values (?, ?, ?, ?, ?, ?, ?, ?)
