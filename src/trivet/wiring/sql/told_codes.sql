-- codes that nobody has mapped, for the scorecard
select distinct system, code from notices where kind = 'unknown-code'
