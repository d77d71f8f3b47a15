"""What network servers wrap radio frames in: The Things Stack v3 and ChirpStack v4, over MQTT."""
