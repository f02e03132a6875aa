select type, part, sum(units), sum(containers), min(least), max(most) from register_part
where source = :source and format = :format and day >= :since and day <= :until
group by type, part
