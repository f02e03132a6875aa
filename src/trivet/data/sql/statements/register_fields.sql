select part, field, sum(containers), min(least), max(most), sum(elements), min(shortest), max(longest),
  sum(digits), sum(decimal), sum(moment), sum(code), sum(words), sum(other),
  sum(mapped), sum(carried), sum(dropped), sum(uncovered), sum(rejected)
from register_field
where source = :source and format = :format and day >= :since and day <= :until
group by part, field
