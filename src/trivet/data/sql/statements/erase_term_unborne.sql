-- a name that no record bears any more: one that a record bore before another was written over it
delete from identity_term
where field = :field and term = :term and not exists (select 1 from identity_record where instr(features, json_quote(:term)) > 0)
