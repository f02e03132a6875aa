-- results by the code that their sender gave first, for the scorecard
select codes[1].system, codes[1].code, count(*) from observation where codes[1].code is not null group by all
