insert or ignore into mapped (load, map, version, source_system, source_code, target_system, target_code, target_display, relation)
select one.load, 'omop:maps-to', one.version, one.system, source.code, two.system, target.code, concept.display, 'equivalent'
from edition one join property source on source.edition = one.id and source.name = 'concept_id' and source.value = ?
join edition two on two.load = one.load
join property target on target.edition = two.id and target.name = 'concept_id' and target.value = ?
join concept on concept.edition = two.id and concept.code = target.code
where one.load = ?
