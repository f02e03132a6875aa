select subject, id, features from identity_record where person = ? order by id
