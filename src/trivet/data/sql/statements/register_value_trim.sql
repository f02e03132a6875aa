-- of a field's values on a day, the first so many by rank stay
delete from register_value
where source = :source and format = :format and day = :day and field = :field and (rank, value) > (
  select rank, value from register_value
  where source = :source and format = :format and day = :day and field = :field
  order by rank, value limit 1 offset :last
)
