"""The one place that knows devices: names, what is found, why something cannot be had."""

import sys

import pytest

from regard.device import memory_for_tiles, peak_memory, usable_device
from regard.errors import ConfigError
from regard.model.model import load


def test_the_processor_is_the_default():
    assert load("flickr8k").device == load("flickr8k", device="cpu").device == "cpu"


@pytest.mark.parametrize(
    "name", ["tpu", "CPU", "", "cuda:", "cuda:-1", "cuda:one", "cpu:0", "auto:0", "mps:0"]
)
def test_a_device_of_another_name_is_refused(name):
    with pytest.raises(ConfigError, match="it must be auto, cpu, cuda, cuda:N or mps"):
        load("flickr8k", device=name)


def test_without_torch_there_is_only_the_processor(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert usable_device("cpu") == usable_device("auto") == "cpu"
    with pytest.raises(ConfigError, match=r"it must be cpu where .* pip install 'regard\[train\]'"):
        load("flickr8k", device="cuda")


def there_are(monkeypatch, cuda, mps):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    there_are(monkeypatch, 1, False)
    assert usable_device("cuda") == "cuda"
    assert usable_device("cuda:0") == "cuda:0"
    for name, count in (("cuda:1", 1), ("mps", 0)):
        with pytest.raises(ConfigError, match=f"'{name}'; torch must find it, and finds {count} "):
            usable_device(name)


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(2, True, "cuda"), (0, True, "mps"), (0, False, "cpu")]
)
def test_auto_takes_what_there_is(monkeypatch, cuda, mps, expected):
    there_are(monkeypatch, cuda, mps)
    assert usable_device("auto") == expected


def test_memory_is_asked_of_the_device_that_is_meant(monkeypatch):
    assert 10e6 < peak_memory("cpu") < 1e12
    assert memory_for_tiles("cpu") == memory_for_tiles("mps") == 2 << 30
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", {"cuda:1": 5}.get)
    monkeypatch.setattr(torch.cuda, "mem_get_info", {"cuda:1": (40, 80)}.get)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 7)
    assert (peak_memory("cuda:1"), peak_memory("mps")) == (5, 7)
    assert memory_for_tiles("cuda:1") == 20
