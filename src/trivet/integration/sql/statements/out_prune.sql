delete from out_message where state in ('delivered', 'superseded') and done_at <> '' and done_at < ? returning destination, number
