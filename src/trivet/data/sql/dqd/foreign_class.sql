SELECT {show} FROM {table} AS t JOIN concept AS c ON c.concept_id = t.{field} WHERE c.concept_id <> 0 AND c.concept_class_id <> {value}
