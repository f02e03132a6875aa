create trigger if not exists ledger_head_no_step_back before update on ledger_head when new.n < old.n
begin
  select raise(abort, 'the ledger is append-only');
end
