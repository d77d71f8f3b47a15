"""The three steps of the README, word for word: what a stranger types first."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tests.conftest import Eventually
from tests.e2e.outside import City

PUBLISHER = f"""#!{sys.executable}
import argparse
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.publish import single
options = argparse.ArgumentParser()
for name in "Vqptm":
    options.add_argument("-" + name, required=True)
asked = options.parse_args()
single(asked.t, asked.m, int(asked.q), port=int(asked.p), protocol=MQTTProtocolVersion.MQTTv5)
"""
"""Stands in for `mosquitto_pub`, which not every machine has."""

README = Path(__file__).resolve().parents[2] / "README.md"


async def test_a_car_park_in_three_steps_is_live(city: City, eventually: Eventually, tmp_path: Path) -> None:
    publisher = tmp_path / "mosquitto_pub"
    publisher.write_text(PUBLISHER)
    publisher.chmod(0o755)
    steps = README.read_text(encoding="utf-8").partition("A car park in three steps")[2].split("```")[1]
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",  # noqa: TID251 - where the README's programs are
        "HTTP": city.ready.http,
        "KEY": city.ready.tokens["operator"],
        "MQTT_V5_PORT": str(urlsplit(city.ready.mqtt_v5).port),
    }
    ran = subprocess.run(
        ["bash", "-e", "-c", steps], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert ran.returncode == 0, ran.stderr

    def is_live() -> bool:
        told = city.get("/v1/car-parks/my-car-park")["availability"]
        assert (told["state"], told["occupied"], told["free"]) == ("open", 1, 1), json.dumps(told)
        return True

    await eventually(is_live)
