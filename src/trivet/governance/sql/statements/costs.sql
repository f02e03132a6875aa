SELECT seq, use, kind, source, amount, currency, since, until, note FROM cost ORDER BY seq
