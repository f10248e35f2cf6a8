"""Real Kafka, MongoDB, sandbox and services on one machine without Docker."""
