"""`berth simulate-channel`: both channels, listening until stopped, and what billing has to be set to."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from simulators.clock import Clock
from simulators.payment_channel.mischief import Mischief
from simulators.payment_channel.parties import Parties, parties_in
from simulators.payment_channel.server import simulated_channels


async def run_channels(
    folder: Path, clock: Clock, mischief: Mischief, *, host: str, port: int, ready: Callable[[str, Parties], None]
) -> None:
    """Until cancelled; `ready` is told the address. `folder` keeps the keys. Raises OSError when the port is taken."""
    parties = parties_in(folder, clock.now())
    async with simulated_channels(parties, clock, mischief, host=host, port=port) as channels:
        ready(channels.url, parties)
        await asyncio.Event().wait()


def settings_for(url: str, parties: Parties, folder: Path, public_url: str) -> dict[str, str]:
    """What a city is started with to use these channels, as environment variables."""
    wechat, alipay = parties.wechat, parties.alipay
    said = {
        "PUBLIC_URL": public_url,
        "WECHAT__GATEWAY": url,
        "WECHAT__MCH_ID": wechat.mchid,
        "WECHAT__SUB_MCHID": wechat.sub_mchid,
        "WECHAT__APPID": wechat.appid,
        "WECHAT__SERIAL": wechat.merchant_serial,
        "WECHAT__PRIVATE_KEY_FILE": str(folder / "wechat_merchant_key.pem"),
        "WECHAT__PLATFORM_KEY_FILE": str(folder / "wechat_platform_certificate.pem"),
        "WECHAT__PLATFORM_KEY_ID": wechat.platform_serial,
        "WECHAT__APIV3_KEY": wechat.api_v3_key,
        "ALIPAY__GATEWAY": f"{url}/gateway.do",
        "ALIPAY__APP_ID": alipay.app_id,
        "ALIPAY__SELLER_ID": alipay.seller_id,
        "ALIPAY__PARKING_ID": "PI1501317472942184881",
        "ALIPAY__PRIVATE_KEY_FILE": str(folder / "alipay_app_key.pem"),
        "ALIPAY__ALIPAY_KEY_FILE": str(folder / "alipay_public_key.pem"),
    }
    return {f"BERTH_BILLING__CHANNELS__{name}": value for name, value in said.items()}
