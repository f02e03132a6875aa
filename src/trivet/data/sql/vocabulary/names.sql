-- every name of every code that is used itself
select term.code, term.text from term join concept on concept.edition = term.edition and concept.code = term.code
where term.edition = ? and concept.abstract = 0 order by term.id
