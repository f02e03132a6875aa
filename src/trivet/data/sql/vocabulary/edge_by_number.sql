-- An is-a between two numbers of a foreign key (OMOP's concept_id), both in one edition of this load.
insert or ignore into edge (edition, child, parent)
select child.edition, child.code, parent.code
from property child join property parent on parent.edition = child.edition and parent.name = 'concept_id' and parent.value = ?
where child.name = 'concept_id' and child.value = ? and child.edition in (select id from edition where load = ?)
