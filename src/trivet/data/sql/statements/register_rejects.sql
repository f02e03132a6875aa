select reject.code, reject.locator, count(*) from reject join receipt on receipt.seq = reject.receipt
where receipt.source = :source and receipt.format = :format
  and substr(receipt.received_at, 1, 10) >= :since and substr(receipt.received_at, 1, 10) <= :until
group by reject.code, reject.locator
