SELECT {show} FROM {table} AS t
JOIN person AS p ON p.person_id = t.person_id
JOIN concept_ancestor AS a ON a.descendant_concept_id = t.{field}
WHERE a.ancestor_concept_id IN ({concept}) AND p.gender_concept_id <> {gender}
