-- a guard against accidents; the proof is the Merkle tree
create trigger if not exists ledger_tile_no_update before update on ledger_tile
begin
  select raise(abort, 'the ledger is append-only');
end
