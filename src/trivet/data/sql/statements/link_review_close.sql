update link_review set state = 'closed', decided_seq = ?
where state = 'open' and kind = 'pair'
  and (select person from identity_record where subject = link_review.subject) = (select person from identity_record where subject = link_review.other)
  and (subject in (select value from json_each(?)) or other in (select value from json_each(?)))
