"""What a sync, a slot, a hold and a run are, and every decision about them: no I/O."""
