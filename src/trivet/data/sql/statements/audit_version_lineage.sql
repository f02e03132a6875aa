-- versions without any lineage of their unit
select record_version.key from record_version left join lineage on lineage.receipt = record_version.receipt
where lineage.receipt is null
order by record_version.key limit 100
