-- units that came before an instant, ended as mapped in whole or as ignored, and still have their bytes
select receipt.seq, receipt.source, receipt.format, receipt.state, receipt.blob, receipt.received_at
from receipt join blob on blob.address = receipt.blob
where receipt.received_at < :before and receipt.seq > :after
  and receipt.state in ('mapped', 'ignored') and receipt.partial = 0 and blob.place <> 'gone'
order by receipt.seq limit :limit
