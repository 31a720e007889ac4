"""What the adapters share: keeping a database in step with an index."""

from collections.abc import Iterable
from typing import NamedTuple


class Synced(NamedTuple):
    """What bringing a database into step with an index did, in photos."""

    added: int
    removed: int
    unchanged: int


def difference(
    wanted: Iterable[str], there: Iterable[str]
) -> tuple[dict[str, None], set[str], Synced]:
    """Ids to add, in order, and to remove; a photo's vector never changes while its id stays."""
    known = set(there)
    wanted = dict.fromkeys(wanted)
    added = dict.fromkeys(photo_id for photo_id in wanted if photo_id not in known)
    removed = known - set(wanted)
    return added, removed, Synced(len(added), len(removed), len(wanted) - len(added))
