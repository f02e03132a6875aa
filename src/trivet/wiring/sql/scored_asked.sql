-- identifiers of the records that are asked for: by a value that they bear, by the true person that they are of, by name
select record, source, scored_record.person, value, true_person
from scored_record left join scored_true using (record)
where value in (select unnest(cast(? as varchar[]))) or true_person in (select unnest(cast(? as varchar[])))
  or record in (select unnest(cast(? as varchar[])))
