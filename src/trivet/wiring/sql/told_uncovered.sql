-- places that no rule understands, for the scorecard
select source, locator from coverage where disposition in ('uncovered', 'carried')
