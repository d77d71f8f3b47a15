"""The words that services share: ids, the MQTT wire format, facts, availability. Frozen models, no behaviour."""
