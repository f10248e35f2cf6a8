"""Events over Kafka: outbox and relay on the way out, consumer edge and inbox on the way in."""
