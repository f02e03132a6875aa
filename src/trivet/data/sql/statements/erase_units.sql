-- units that speak of these subjects, or that one of these holders can open
select seq, blob from receipt
where seq in (select receipt from record_version where subject in (select value from json_each(:subjects)))
  or blob in (
    select blob.address
    from holder_key join blob_key on blob_key.holder_key = holder_key.id join blob on blob.id = blob_key.blob
    where holder_key.holder in (select value from json_each(:holders)) and holder_key.destroyed = 0
  )
order by seq
