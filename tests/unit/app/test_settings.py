"""Settings: what is read, what is refused, what is hidden."""

import pytest
from pydantic import BaseModel, Field, SecretStr

from kernel.settings import MASK, Settings, SettingsRefused, described, load, masked


class Section(BaseModel):
    """A service's section."""

    batch_max: int = Field(default=500, gt=0, description="Messages a transaction.")
    key: SecretStr = SecretStr("")


class Whole(Settings):
    """A process's settings."""

    database_url: str = ""
    gateway: Section = Section()


def test_nested_names_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTH_DATABASE_URL", "postgresql://somewhere/berth")
    monkeypatch.setenv("BERTH_GATEWAY__BATCH_MAX", "7")
    settings = load(Whole)
    assert (settings.database_url, settings.gateway.batch_max) == ("postgresql://somewhere/berth", 7)


def test_what_is_given_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTH_DATABASE_URL", "postgresql://somewhere/berth")
    assert load(Whole, database_url="postgresql://here/berth").database_url == "postgresql://here/berth"


@pytest.mark.parametrize(
    ("name", "meant"),
    [("BERTH_DATABSE_URL", "BERTH_DATABASE_URL"), ("BERTH_GATEWAY__BATCH", "BERTH_GATEWAY__BATCH_MAX")],
)
def test_a_misspelt_name_is_refused_with_what_was_meant(monkeypatch: pytest.MonkeyPatch, name: str, meant: str) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsRefused, match=f"{name} is not a setting; did you mean {meant}"):
        load(Whole)


def test_a_bad_value_is_refused_by_its_name_and_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTH_GATEWAY__BATCH_MAX", "s3cret")
    with pytest.raises(SettingsRefused, match="BERTH_GATEWAY__BATCH_MAX: ") as refused:
        load(Whole)
    assert "s3cret" not in str(refused.value)


def test_secrets_are_masked_when_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTH_DATABASE_URL", "postgresql://berth:s3cret@db.example:5432/berth")
    monkeypatch.setenv("BERTH_GATEWAY__KEY", "s3cret")
    rows = {name: value for name, value, _ in described(load(Whole))}
    assert rows["BERTH_DATABASE_URL"] == f"postgresql://berth:{MASK}@db.example:5432/berth"
    assert rows["BERTH_GATEWAY__KEY"] == MASK
    assert rows["BERTH_GATEWAY__BATCH_MAX"] == "500"


def test_an_address_without_a_password_is_shown_whole() -> None:
    assert masked("mqtt://127.0.0.1:1883") == "mqtt://127.0.0.1:1883"
