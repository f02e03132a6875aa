select sums from register_day
where source = :source and format = :format and day >= :since and day <= :until
