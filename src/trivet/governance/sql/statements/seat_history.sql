SELECT system, seat, principal, since, until, reason, seq
FROM seat WHERE system = ? ORDER BY seq
