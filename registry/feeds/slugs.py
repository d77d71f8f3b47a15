"""Other people's ids as slugs: deterministic, and no two of them the same."""

import hashlib
import re
import unicodedata

SLUG_CHARACTERS_MAX = 64
PREFIX_CHARACTERS_MAX = 30
HASH_CHARACTERS = 8
_SLUG = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)


def slugged(text: str) -> str:
    """`DE-MDM-Stadt Stuttgart` -> `de-mdm-stadt-stuttgart`; may be empty, and different texts may become the same."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def operator_slug(name: str) -> str:
    """The operator id of a publisher's name."""
    return slugged(name)[:SLUG_CHARACTERS_MAX].strip("-") or f"feed-{_hash(name)}"


def is_own_slug(uid: str) -> bool:
    """Whether an id is a slug with a letter in it: one that its owner chose as an id of ours."""
    return _SLUG.fullmatch(uid) is not None and re.search("[a-z]", uid) is not None


def prefixed_slug(prefix: str, uid: str) -> str:
    """`freiburg` and `13` -> `freiburg-13`. What a slug cannot show of an id is made up for by a hash of all of it."""
    body, start = slugged(uid), prefix[:PREFIX_CHARACTERS_MAX].strip("-")
    whole = f"{start}-{body}"
    return whole if body == uid and len(whole) <= SLUG_CHARACTERS_MAX else hashed_slug(prefix, uid)


def hashed_slug(prefix: str, uid: str) -> str:
    """The slug that no other id of the feed has."""
    start = prefix[:PREFIX_CHARACTERS_MAX].strip("-")
    body = slugged(uid)[: SLUG_CHARACTERS_MAX - len(start) - HASH_CHARACTERS - 2].strip("-")
    return "-".join(part for part in (start, body, _hash(uid)) if part)


def _hash(uid: str) -> str:
    return hashlib.sha256(uid.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_CHARACTERS]
