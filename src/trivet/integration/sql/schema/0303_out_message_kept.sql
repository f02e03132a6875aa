-- retention never deletes what is unsent
create trigger if not exists out_message_kept before delete on out_message
when old.state not in ('delivered', 'superseded')
begin
  select raise(abort, 'what is unsent is never deleted');
end
