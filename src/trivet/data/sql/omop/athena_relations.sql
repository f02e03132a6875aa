SELECT concept_id_1, concept_id_2, relationship_id
FROM concept_relationship
WHERE relationship_id IN ('Maps to', 'Maps to value') AND (invalid_reason IS NULL OR invalid_reason = '')
  AND concept_id_1 IN (SELECT unnest(?::BIGINT[]))
