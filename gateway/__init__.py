"""Device message -> fact, with nothing lost: MQTT in, one transaction a batch, acknowledged after its commit."""
