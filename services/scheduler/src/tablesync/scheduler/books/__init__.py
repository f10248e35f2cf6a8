"""The books of syncs: what became of every slot, and of every outage; no I/O."""
