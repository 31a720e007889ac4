"""Pictures for tests, and files of them that no library writes."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

SIZE = (60, 40)


def scene():
    """A picture of soft colours that is told from its negative, its mirror and plain colours."""
    coarse = np.random.default_rng(3).integers(20, 235, (4, 6, 3), np.uint8)
    return Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC)


def distance(image, other):
    """Mean difference of two pictures' numbers, 0 to 255."""
    assert image.mode == "RGB"
    other = other.convert("RGB")
    assert image.size == other.size
    return float(np.abs(np.asarray(image, float) - np.asarray(other, float)).mean())


def saved(image, form, **options):
    """The bytes of a file."""
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def chunk(name, body, checksum=None):
    """A chunk of a PNG, perhaps with a wrong checksum."""
    checksum = zlib.crc32(name + body) if checksum is None else checksum
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)


def segment(marker, body):
    """A segment of a JPEG."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def tiff(values, bits, photometric, *, order="<", planar=1, kind=1, packed=False, more=None):
    """A TIFF of an array (height x width x samples), in one strip for each plane.

    Args:
        order: "<" or ">", of bytes.
        planar: 2 puts each colour in a plane of its own.
        kind: 1 unsigned, 2 signed, 3 floating point.
        packed: deflated.
        more: further tags, number to (type, values).
    """
    height, width, samples = values.shape
    number = f"{order}{'uif'[kind - 1]}{bits // 8}"
    planes = [values[..., n] for n in range(samples)] if planar == 2 else [values]
    strips = [np.ascontiguousarray(plane).astype(number).tobytes() for plane in planes]
    strips = [zlib.compress(strip) for strip in strips] if packed else strips
    places = [8 + sum(map(len, strips[:n])) for n in range(len(strips))]
    tags = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [bits] * samples),
        259: (3, [8 if packed else 1]),
        262: (3, [photometric]),
        273: (4, places),
        277: (3, [samples]),
        278: (4, [height]),
        279: (4, list(map(len, strips))),
        284: (3, [planar]),
        339: (3, [kind] * samples),
        **(more or {}),
    }
    start = 8 + sum(map(len, strips))
    body, rest, beyond = b"", b"", start + 2 + 12 * len(tags) + 4
    for tag, (form, numbers) in sorted(tags.items()):
        data = struct.pack(order + {3: "H", 4: "I"}[form] * len(numbers), *numbers)
        if len(data) > 4:
            data, rest = struct.pack(f"{order}I", beyond + len(rest)), rest + data
        body += struct.pack(f"{order}HHI", tag, form, len(numbers)) + data.ljust(4, b"\0")
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", start)
    count = struct.pack(f"{order}H", len(tags))
    return head + b"".join(strips) + count + body + bytes(4) + rest


def grey_profile(gamma):
    """A colour profile of greys."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    white = b"XYZ " + bytes(4) + struct.pack(">iii", 63190, 65536, 54061)
    text = b"desc" + bytes(4) + struct.pack(">I", 5) + b"grey\0" + bytes(78) + bytes(1)
    right = b"text" + bytes(4) + b"none\0\0\0\0"
    parts = {b"kTRC": curve, b"wtpt": white, b"desc": text, b"cprt": right}
    start, table, data = 128 + 4 + 12 * len(parts), b"", b""
    for name, part in parts.items():
        table += name + struct.pack(">II", start + len(data), len(part))
        data += part.ljust(-(-len(part) // 4) * 4, b"\0")
    size = start + len(data)
    head = struct.pack(">I", size) + bytes(4) + bytes([2, 16, 0, 0]) + b"mntrGRAYXYZ "
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">iii", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(parts)) + table + data
