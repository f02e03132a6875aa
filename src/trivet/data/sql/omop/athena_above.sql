SELECT ancestor_concept_id, descendant_concept_id
FROM concept_ancestor
WHERE ancestor_concept_id IN (SELECT unnest($1::BIGINT[])) AND descendant_concept_id IN (SELECT unnest($1::BIGINT[]))
