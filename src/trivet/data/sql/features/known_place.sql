-- places with what holds them and the words they go by
SELECT record, part_of, known_seq, until_seq,
  list_distinct(list_transform(list_prepend(name, coalesce(list_transform(identifiers, lambda i: i.value), [])), lambda w: upper(w))) AS words
FROM location
