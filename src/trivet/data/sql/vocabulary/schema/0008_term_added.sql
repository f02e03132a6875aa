create trigger if not exists term_added after insert on term begin
  insert into term_text (rowid, text) values (new.id, new.text);
end
