insert into blob (address, kind, size, codec, place, data, commitment) values (?, ?, ?, ?, ?, ?, ?) returning id
