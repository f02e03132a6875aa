-- what waits for a person in the receipts that are asked for, for the scorecard
select distinct receipt, kind from notices where receipt in (select unnest(cast(? as bigint[])))
