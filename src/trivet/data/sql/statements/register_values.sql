select field, value, sum(elements) from register_value
where source = :source and format = :format and day >= :since and day <= :until
group by field, value
