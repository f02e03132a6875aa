-- versions without any lineage of their unit
select record_version.key from record_version
left join lineage on lineage.receipt = record_version.receipt
left join lineage_again on lineage_again.receipt = record_version.receipt and lineage_again.since = record_version.known_seq
where lineage.receipt is null and lineage_again.receipt is null
order by record_version.key limit 100
