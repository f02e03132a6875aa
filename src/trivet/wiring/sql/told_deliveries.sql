-- every handing over, for the scorecard
select receipt, source, origin, repeated from deliveries
