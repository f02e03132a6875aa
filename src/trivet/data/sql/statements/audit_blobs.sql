select address, kind, place from blob order by id
