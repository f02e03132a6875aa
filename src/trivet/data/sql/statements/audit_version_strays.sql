-- versions whose receipt is not there or did not end as mapped
select record_version.key from record_version left join receipt on receipt.seq = record_version.receipt
where receipt.seq is null or receipt.state <> 'mapped'
order by record_version.key limit 100
