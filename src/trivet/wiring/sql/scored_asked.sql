-- identifiers of the records that bear one of the values, or are of one of the true persons, that are asked for
select record, source, scored_record.person, value, true_person
from scored_record left join scored_true using (record)
where value in (select unnest(cast(? as varchar[]))) or true_person in (select unnest(cast(? as varchar[])))
