SELECT c.concept_id, c.concept_name, c.domain_id, c.vocabulary_id, c.concept_class_id, c.standard_concept, c.concept_code, c.invalid_reason
FROM concept AS c
JOIN wanted AS w ON w.vocabulary_id = c.vocabulary_id AND w.concept_code = c.concept_code
