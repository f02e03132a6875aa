SELECT {show} FROM {table} AS t JOIN person AS p ON p.person_id = t.person_id WHERE t.{field} = {concept} AND p.gender_concept_id <> {gender}
