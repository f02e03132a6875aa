DELETE FROM gate_run
