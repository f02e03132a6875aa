INSERT INTO cost (seq, use, kind, source, amount, currency, since, until, note)
VALUES (:seq, :use, :kind, :source, :amount, :currency, :since, :until, :note)
