select address from blob where address in (select value from json_each(?))
