-- a guard against accidents; the proof is the Merkle tree
create trigger if not exists ledger_checkpoint_no_delete before delete on ledger_checkpoint
begin
  select raise(abort, 'the ledger is append-only');
end
