-- Published: who holds what now.
CREATE VIEW IF NOT EXISTS seats AS
SELECT seat.system, seat.seat, seat.principal, principal.name, principal.department, seat.since
FROM seat JOIN principal USING (principal) WHERE seat.until = ''
