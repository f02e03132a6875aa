select receipt.source, count(*), sum(delivery.repeated)
from delivery join receipt on receipt.seq = delivery.receipt
group by receipt.source
