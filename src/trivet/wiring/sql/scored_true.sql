-- every Patient record that bears an identifier of the truth: who it is in truth, and in the house
create or replace temp table scored_true as
select record, max(truth.person) as true_person, max(scored_record.person) as person
from scored_record join truth using (source, value)
group by record
