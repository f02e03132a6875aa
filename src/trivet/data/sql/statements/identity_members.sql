select id, subject, person, features from identity_record where person = ? order by id
