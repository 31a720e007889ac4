"""A connection to a Ray cluster, and work streamed through its machines.

Knows Ray; what the work is, others say.
"""

import contextlib
import importlib.util
import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from regard import errors
from regard.errors import ClusterError, ConfigError, RegardError

_RAISED = re.compile(r"^([\w.]+(?:Error|Exception)): (.+)$", re.MULTILINE)
_OURS = re.compile(r"^regard\.errors\.(\w+): (.+)$", re.MULTILINE)
_MOST_BLOCKS = 20_000  # what Ray keeps an account of; more items than that share some
_AHEAD = 4  # results for every worker that may wait for the caller


def require_ray() -> None:
    """Say how to have Ray where it is missing.

    Raises:
        ConfigError: it is not installed.
    """
    if importlib.util.find_spec("ray") is None or importlib.util.find_spec("pyarrow") is None:
        raise ConfigError(
            "Ray is not installed; it must be, here and on every machine of the cluster. "
            "Run: pip install 'regard[ray]'"
        )


@contextlib.contextmanager
def connected(address: str) -> Iterator[None]:
    """Be connected to a cluster for a while.

    Args:
        address: of its head, as host:6379; "auto" for the cluster this machine is part of;
            "local" for one on this machine alone, ended afterwards.

    Raises:
        ConfigError: Ray is not installed.
        ClusterError: there is no cluster at that address.
    """
    require_ray()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    if ray.is_initialized():
        yield
        return
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level="error",
            **({"include_dashboard": False} if address == "local" else {}),
        )
    except Exception as error:  # noqa: BLE001 - Ray raises plain ones, as when a start takes long
        raise ClusterError(
            f"address is {address!r} ({str(error).splitlines()[0]}); it must be that of a running "
            "Ray cluster that this machine is part of. Start one with `ray start --head`, join "
            "it, or use --address local."
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def spare_cpus() -> int:
    """CPUs of the cluster but one a machine, which Ray's own work needs; at least 1."""
    import ray

    alive = [node for node in ray.nodes() if node["Alive"]]
    return max(1, sum(max(0, int(node["Resources"].get("CPU", 0)) - 1) for node in alive))


def holder_count() -> int:
    """Half of the cluster's CPUs: as many can be lost and their actors still have room."""
    import ray

    return max(1, int(ray.cluster_resources().get("CPU", 0)) // 2)


class _Worker:
    """Holds what `make` makes, in a process of its own on some machine."""

    def __init__(self, make: Callable[[Any], Callable[[str], bytes]], job: Any) -> None:
        self._work = make(job)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return {"row": row["row"], "result": self._work(row["item"])}


def stream(
    make: Callable[[Any], Callable[[str], bytes]],
    job: Any,
    items: Sequence[str],
    workers: int | None = None,
) -> Iterator[bytes]:
    """Results of all items, in their order, from a pool of workers on whole CPUs.

    An item whose worker or machine is lost is given to another. When results are not taken up,
    workers wait: no more than four items for every worker are under way or done and waiting.

    Args:
        make: makes, once a worker and from the job, what turns an item into its result.
        job: small, as it is sent to every worker.
        workers: at most; None takes all CPUs but one a machine.

    Raises:
        RegardError: what a worker raised.
        ClusterError: the cluster cannot do the work.
    """
    if not items:
        return
    import ray
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    most, blocks = workers or spare_cpus(), min(len(items), _MOST_BLOCKS)
    taken = _hold_back(context, _AHEAD * most, len(items) / blocks)
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # errors are raised as well
    rows = [{"row": row, "item": item} for row, item in enumerate(items)]
    done = ray.data.from_items(rows, override_num_blocks=blocks).map(
        _Worker,
        fn_constructor_args=(make, job),
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=most),
        num_cpus=1,
    )
    try:
        for row in done.iter_rows():
            taken.append(row["row"])
            yield row["result"]
    except ray.exceptions.RayError as error:
        raise plain(error) from error


def _hold_back(context: Any, most: int, rows_a_block: float) -> list[int]:
    """Have Ray Data hand out no block of items while so many are not taken up.

    Its own limits are of bytes, which results as small as ours never reach.

    Returns:
        To be told every row that is taken up.
    """
    from ray.data._internal.execution import backpressure_policy as policies

    taken: list[int] = []

    class Window(policies.BackpressurePolicy):  # type: ignore[misc]
        def can_add_input(self, op: Any) -> bool:
            return bool(op.metrics.num_tasks_submitted - len(taken) / rows_a_block < most)

    key = policies.ENABLED_BACKPRESSURE_POLICIES_CONFIG_KEY
    context.set_config(key, [*policies.ENABLED_BACKPRESSURE_POLICIES, Window])
    return taken


def plain(error: BaseException) -> RegardError:
    """What an error of Ray's is about: one of ours that a worker raised, or the cluster.

    Ray passes on what began it as text only.
    """
    text = str(error).strip()
    ours = _OURS.search(text)
    if ours:
        kind: type[RegardError] = getattr(errors, ours[1], ClusterError)
        return kind(ours[2])
    raised = [f"{kind}: {said}" for kind, said in _RAISED.findall(text) if kind[:4] != "ray."]
    if raised:
        return ClusterError(
            f"a worker failed ({raised[0][:200]}); it must be able to do its part. "
            "Look into Ray's logs on its machine, and run the same command to go on."
        )
    return ClusterError(
        f"the cluster failed ({(text or type(error).__name__).splitlines()[0]}); it must have "
        "machines with free CPUs. Look at `ray status`, and run the same command to go on."
    )
