select notice.kind, notice.system, count(distinct notice.code), sum(notice.times) from notice join receipt on receipt.seq = notice.receipt
where receipt.source = :source and receipt.format = :format
  and substr(receipt.received_at, 1, 10) >= :since and substr(receipt.received_at, 1, 10) <= :until
group by notice.kind, notice.system order by 4 desc, 1, 2
