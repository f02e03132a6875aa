select receipt.seq from receipt join blob on blob.address = receipt.blob
where receipt.seq in (select value from json_each(?)) and blob.place = 'gone'
order by receipt.seq
