delete from identity_term where records < 1
