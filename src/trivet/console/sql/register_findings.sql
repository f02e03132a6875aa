-- what is to be put right at them
select interface, kind, finding, about, detail, line from interface_findings order by finding, interface, line limit 500
