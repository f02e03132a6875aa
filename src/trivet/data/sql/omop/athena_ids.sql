SELECT c.concept_id, c.concept_name, c.domain_id, c.vocabulary_id, c.concept_class_id, c.standard_concept, c.concept_code, c.invalid_reason
FROM concept AS c
WHERE c.concept_id IN (SELECT unnest(?::BIGINT[]))
