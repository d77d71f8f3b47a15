"""How many examples a property is tried on: all of them in `make test`, a quarter in `make check`."""

from hypothesis import HealthCheck, settings

FULL, QUICK = 100, 25


def register_profiles() -> None:
    """`berth`, which is loaded, and `quick` (`--hypothesis-profile=quick`).

    What takes long on a busy machine is not wrong: the first draw of a fresh checkout builds tables for seconds.
    """
    for name, examples in (("berth", FULL), ("quick", QUICK)):
        settings.register_profile(
            name, deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=examples
        )
    settings.load_profile("berth")


def examples(count: int) -> settings:
    """For a property that needs more or fewer than 100 in `make test`."""
    return settings(max_examples=max(1, count * settings().max_examples // FULL))
