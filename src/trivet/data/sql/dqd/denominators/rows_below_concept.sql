SELECT 1 FROM {table} AS t JOIN concept_ancestor AS a ON a.descendant_concept_id = t.{field} WHERE a.ancestor_concept_id IN ({concept})
