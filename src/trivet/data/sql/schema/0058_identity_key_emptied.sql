delete from identity_key
