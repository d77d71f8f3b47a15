"""A channel is there when all of it is, and only then; the page about them names settings that exist."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from app.settings import BerthSettings
from billing.channels.offered import KeyUnusable, offered
from billing.errors import UnknownChannel
from billing.settings import AlipaySettings, ChannelsSettings, SandboxSettings, WechatSettings
from kernel.clock import ManualClock
from kernel.db import Database
from kernel.settings import MASK, described
from tests.integration.billing.gates import START
from tests.unit.billing.channels.keys import APIV3_KEY, private_pem, public_pem

PAGE = Path(__file__).resolve().parents[3] / "docs" / "payment-channels.md"
DATABASE = Database("postgresql://nowhere/none", ManualClock(START))


def wechat(folder: Path, **changes: Any) -> WechatSettings:
    (folder / "key.pem").write_text(private_pem("merchant"))
    (folder / "platform.pem").write_text(public_pem("platform"))
    said: dict[str, Any] = {
        "mch_id": "1900000100",
        "sub_mchid": "1900000109",
        "appid": "wx1",
        "serial": "5157",
        "private_key_file": folder / "key.pem",
        "platform_key_file": folder / "platform.pem",
        "platform_key_id": "PUB_KEY_ID_1",
        "apiv3_key": SecretStr(APIV3_KEY),
    }
    return WechatSettings(**{**said, **changes})


def test_the_sandbox_is_there_until_it_is_switched_off() -> None:
    channels = offered(ChannelsSettings(), DATABASE, listens_at="http://here")
    assert (channels.names, channels.default) == (["sandbox"], "sandbox")
    assert channels.chosen(None) is channels.sandbox
    none = offered(ChannelsSettings(sandbox=SandboxSettings(enabled=False)), DATABASE, listens_at="http://here")
    with pytest.raises(UnknownChannel, match="none is configured"):
        none.chosen(None)


def test_the_sandbox_is_not_beside_real_money_unless_somebody_wants_it_so(tmp_path: Path) -> None:
    settings = ChannelsSettings(public_url="https://park.example", wechat=wechat(tmp_path))
    assert offered(settings, DATABASE, listens_at="").names == ["wechat"]
    both = settings.model_copy(update={"sandbox": SandboxSettings(enabled=True)})
    channels = offered(both, DATABASE, listens_at="")
    assert (channels.names, channels.default) == (["wechat", "sandbox"], "wechat")
    chosen = offered(both.model_copy(update={"default": "sandbox"}), DATABASE, listens_at="")
    assert chosen.default == "sandbox"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"sub_mchid": ""}, "needs sub_mchid"),
        ({"private_key_file": None}, "needs private_key_file"),
        ({"apiv3_key": SecretStr("short")}, "32 bytes"),
        ({"gateway": "ftp://x"}, "pattern"),
    ],
)
def test_half_a_channel_is_refused(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        wechat(tmp_path, **changes)


def test_whoever_takes_money_says_where_it_is_called(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="public_url is needed"):
        ChannelsSettings(wechat=wechat(tmp_path))
    with pytest.raises(ValidationError, match="needs seller_id, parking_id, private_key_file, alipay_key_file"):
        AlipaySettings(app_id="2021")


def test_keys_that_are_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "text.pem").write_text("hello")
    for wrong in (tmp_path / "text.pem", tmp_path / "missing.pem", tmp_path / "platform.pem"):
        settings = wechat(tmp_path, private_key_file=wrong)
        with pytest.raises(KeyUnusable, match=wrong.name):
            offered(ChannelsSettings(public_url="https://x", wechat=settings), DATABASE, listens_at="")


def test_secrets_are_masked() -> None:
    settings = BerthSettings.model_validate(
        {"billing": {"channels": {"sandbox": {"secret": "s3cret"}, "alipay": {"app_auth_token": "t0ken"}}}}
    )
    shown = {name: value for name, value, _ in described(settings)}
    assert shown["BERTH_BILLING__CHANNELS__SANDBOX__SECRET"] == MASK
    assert shown["BERTH_BILLING__CHANNELS__ALIPAY__APP_AUTH_TOKEN"] == MASK
    assert shown["BERTH_BILLING__CHANNELS__WECHAT__APIV3_KEY"] == ""


def test_the_page_names_settings_that_exist() -> None:
    known = {name for name, _, _ in described(BerthSettings())}
    named = set(re.findall(r"(?:`|_|`\.\.\._)((?:WECHAT|ALIPAY|SANDBOX)__\w+)", PAGE.read_text()))
    assert len(named) > 15
    assert {f"BERTH_BILLING__CHANNELS__{name}" for name in named} <= known
    told = {name.removeprefix("BERTH_BILLING__CHANNELS__") for name in known if "__CHANNELS__" in name}
    assert told - named <= {"PUBLIC_URL", "DEFAULT", "SANDBOX__COLLECTS_AFTER_S"}  # the last one is for tests
