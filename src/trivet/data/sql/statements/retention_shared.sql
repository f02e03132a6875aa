-- of these bytes those that some unit has to keep
select distinct blob from receipt
where blob in (select value from json_each(:blobs))
  and (state not in ('mapped', 'ignored') or partial = 1 or received_at >= :before or source in (select value from json_each(:held)))
