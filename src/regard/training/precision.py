"""In which arithmetic a step is made: the type of its products, and what goes with it.

float32     products as they are; on a graphics card without rounding to TF32
tf32        on a graphics card products whose factors are rounded to TF32; float32 elsewhere
bfloat16    products of bfloat16; of float16 on a graphics card that has no bfloat16
float16     products of float16, of a loss that is scaled so that small gradients stay
fast        bfloat16 on a graphics card; on a processor the quicker of float32 and bfloat16
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from regard.kernels import chosen

_HALVES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def products_in(precision: str, device: torch.device) -> torch.dtype:
    """The type that factors of products have."""
    if precision == "fast":
        precision = chosen("training").precision if device.type == "cpu" else "bfloat16"
    lacks = device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False)
    if precision == "bfloat16" and lacks:
        precision = "float16"
    return _HALVES.get(precision, torch.float32)


def mixed(dtype: torch.dtype, device: torch.device) -> AbstractContextManager[Any]:
    """Within it a network's products have factors of a type."""
    return nullcontext() if dtype is torch.float32 else torch.autocast(device.type, dtype)


def scaler_of(precision: str, device: torch.device) -> torch.amp.GradScaler:
    """Scales losses whose gradients go through float16; others stay as they are."""
    scales = products_in(precision, device) is torch.float16
    return torch.amp.GradScaler(device.type, enabled=scales)


def round_to_tf32(wanted: bool) -> None:
    """Let this process's products of float32 on graphics cards be rounded to TF32, or not."""
    torch.set_float32_matmul_precision("high" if wanted else "highest")
    torch.backends.cudnn.allow_tf32 = wanted
