"""Threads that numpy's products use."""

from threadpoolctl import threadpool_info


def product_threads():
    """How many they may use now."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return {pool["num_threads"] for pool in pools if "numpy" in pool["filepath"]}
