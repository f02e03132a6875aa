INSERT INTO seat (system, seat, principal, since, reason, seq)
VALUES (:system, :seat, :principal, :since, :reason, :seq)
