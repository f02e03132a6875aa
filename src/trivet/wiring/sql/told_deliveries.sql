-- handings over of the files that are asked for, and every one that was a repeat, for the scorecard
select receipt, source, origin, repeated from deliveries where repeated or origin in (select unnest(cast(? as varchar[])))
