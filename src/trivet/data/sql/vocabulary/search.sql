-- bm25 is smaller for the better; the shortest of equals comes first.
select term.code, term.text, -bm25(term_text) as score from term_text join term on term.id = term_text.rowid
where term_text match ?2 and term.edition = ?1 order by bm25(term_text), length(term.text), term.code limit ?3
