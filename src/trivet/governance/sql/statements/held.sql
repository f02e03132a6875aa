SELECT seat.system, seat.seat, seat.principal, seat.since, seat.until, seat.reason, seat.seq
FROM seat JOIN principal USING (principal)
WHERE seat.until = '' AND principal.active = 1 AND (:system = '' OR seat.system = :system)
ORDER BY seat.system, seat.seat
