"""Making a sync step by step, editing one, and asking what it does to a record."""
