"""Official checkpoints: read without running anything, whatever their age, and written back."""

import argparse
import collections
import io
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from tests.small import random_checkpoint
from torch.nn.utils import parametrizations

from regard.core.model_config import ModelConfig
from regard.core.scoring import Scoring
from regard.errors import CheckpointError, ConfigError
from regard.model.checkpoint import Checkpoint
from regard.model.model import Model
from regard.official.checkpoint import import_checkpoint
from regard.official.export import export_checkpoint
from regard.official.pickles import Settings, read_checkpoint
from regard.words.special import SPECIAL
from regard.words.vocabulary import Vocabulary

FEATURES, DIM, WORD_DIM = 6, 5, 4
VOCABULARY = Vocabulary((*SPECIAL, "a", "dog", "runs"))


def official_state(*, bidirectional: bool = True) -> list[dict[str, torch.Tensor]]:
    """Tensors under the names the official encoders give them."""
    torch.manual_seed(0)
    linear = torch.nn.Linear(FEATURES, DIM)
    embed = torch.nn.Embedding(len(VOCABULARY), WORD_DIM)
    gru = torch.nn.GRU(WORD_DIM, DIM, bidirectional=bidirectional)
    image = {f"fc.{name}": value.detach() for name, value in linear.named_parameters()}
    text = {"embed.weight": embed.weight.detach()}
    text |= {f"rnn.{name}": value.detach() for name, value in gru.named_parameters()}
    return [collections.OrderedDict(image), collections.OrderedDict(text)]


def official(state: list, **options: object) -> dict:
    values = {
        "cross_attn": "i2t",
        "agg_func": "Mean",
        "raw_feature_norm": "l2norm",
        "lambda_softmax": 4.0,
        "lambda_lse": 5,
        "no_imgnorm": False,
        "no_txtnorm": False,
        "data_path": "/data",
        **options,
    }
    opt = argparse.Namespace(**values)
    return {"epoch": 7, "model": state, "best_rsum": 321.5, "opt": opt, "Eiters": 99}


def saved(tmp_path: Path, contents: object, **how: object) -> Path:
    path = tmp_path / "model_best.pth.tar"
    torch.save(contents, path, **how)
    return path


def same(checkpoint: Checkpoint, state: list) -> bool:
    pairs = {
        "regions.linear.weight": state[0]["fc.weight"],
        "regions.linear.bias": state[0]["fc.bias"],
    }
    pairs |= {f"words.{name}": value for name, value in state[1].items()}
    return all(np.array_equal(checkpoint.weights[name], value) for name, value in pairs.items())


# ---- reading


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_import_takes_sizes_from_tensors_and_settings_from_opt(
    tmp_path: Path, zipped: bool, bidirectional: bool
) -> None:
    state = official_state(bidirectional=bidirectional)
    contents = official(state, embed_size=1024, img_dim=2048, bi_gru=not bidirectional)
    path = saved(tmp_path, contents, _use_new_zipfile_serialization=zipped)
    checkpoint = import_checkpoint(path, VOCABULARY)
    assert checkpoint.config == ModelConfig(
        feature_dim=FEATURES,
        embed_dim=DIM,
        word_dim=WORD_DIM,
        bidirectional=bidirectional,
        scoring=Scoring(
            direction="i2t",
            pooling="mean",
            normalization="l2norm",
            lambda_softmax=4.0,
            lambda_lse=5.0,
        ),
    )
    assert same(checkpoint, state)
    assert checkpoint.info["imported_from"] == "model_best.pth.tar"
    assert checkpoint.info["official"]["best_rsum"] == 321.5
    assert checkpoint.info["official"]["opt"]["data_path"] == "/data"


def test_settings_in_a_plain_dictionary_count_as_well(tmp_path: Path) -> None:
    contents = official(official_state())
    contents["opt"] = vars(contents["opt"])
    checkpoint = import_checkpoint(saved(tmp_path, contents), VOCABULARY)
    assert checkpoint.config.scoring.direction == "i2t"
    contents["opt"] = {**contents["opt"], "lambda_lse": None}
    with pytest.raises(CheckpointError, match="does not hold a SCAN model"):
        import_checkpoint(saved(tmp_path, contents), VOCABULARY)


@pytest.mark.parametrize("depth", [1, 3])
def test_any_depth_of_module_prefixes_is_removed(tmp_path: Path, depth: int) -> None:
    state = official_state()
    prefixed = [{"module." * depth + name: v for name, v in part.items()} for part in state]
    checkpoint = import_checkpoint(saved(tmp_path, official(prefixed)), VOCABULARY)
    assert same(checkpoint, state)


def old_weight_norm(linear: torch.nn.Linear, dim: int | None) -> dict[str, torch.Tensor]:
    """What torch.nn.utils.weight_norm kept: g and v with w = g v / |v|."""
    weight = linear.weight.detach()
    norm = weight.norm() if dim is None else weight.norm(dim=1, keepdim=True)
    return {
        "fc.bias": linear.bias.detach(),
        "fc.weight_g": norm * 2,
        "fc.weight_v": weight * 3,
    }


@pytest.mark.parametrize("dim", [None, 0])
def test_weight_normalised_image_encoder_is_multiplied_out(tmp_path: Path, dim: int | None) -> None:
    linear = torch.nn.Linear(FEATURES, DIM)
    image = old_weight_norm(linear, dim)
    path = saved(tmp_path, official([image, official_state()[1]], precomp_enc_type="weight_norm"))
    weights = import_checkpoint(path, VOCABULARY).weights["regions.linear.weight"]
    np.testing.assert_allclose(weights, linear.weight.detach() * 2, rtol=1e-6)


def test_todays_weight_norm_is_read_too(tmp_path: Path) -> None:
    linear = torch.nn.Linear(FEATURES, DIM)
    expected = linear.weight.detach().clone()
    normed = parametrizations.weight_norm(linear, dim=0)
    image = {f"fc.{name}": value for name, value in normed.state_dict().items()}
    path = saved(tmp_path, official([image, official_state()[1]]))
    weights = import_checkpoint(path, VOCABULARY).weights["regions.linear.weight"]
    np.testing.assert_allclose(weights, expected, rtol=1e-6)


class Python2Pickler(pickle._Pickler):
    """Writes as Python 2 and PyTorch 0.3 on a GPU did: byte strings, `_rebuild_tensor`."""

    def __init__(self, file: object) -> None:
        super().__init__(file, protocol=2)
        self.storages: dict[str, torch.Tensor] = {}

    def save_bytes_string(self, text: str) -> None:
        raw = text.encode("latin1")
        self.write(pickle.BINSTRING + struct.pack("<i", len(raw)) + raw)
        self.memoize(text)

    dispatch: ClassVar = {**pickle._Pickler.dispatch, str: save_bytes_string}

    def persistent_id(self, value: object) -> object:
        if not isinstance(value, tuple) or value[:1] != ("a storage",):
            return None
        return ("storage", torch.cuda.FloatStorage, value[1], "cuda:0", value[2], None)

    def reducer_override(self, value: object) -> object:
        if not isinstance(value, torch.Tensor):
            return NotImplemented
        key = str(140000000000000 + len(self.storages))
        whole = torch.cat([torch.full((3,), 9.0), value.reshape(-1)])  # a view into a larger one
        self.storages[key] = whole
        parts = (("a storage", key, len(whole)), 3, tuple(value.shape), value.stride())
        return torch._utils._rebuild_tensor, parts


def test_python_2_pickles_of_pytorch_03_are_read(tmp_path: Path) -> None:
    state = official_state()
    path = tmp_path / "old.pth.tar"
    with path.open("wb") as file:
        sizes = {"short": 2, "int": 4, "long": 4}
        machine = {"protocol_version": 1001, "little_endian": True, "type_sizes": sizes}
        for head in (0x1950A86A20F9469CFC6C, 1001, machine):
            Python2Pickler(file).dump(head)
        writer = Python2Pickler(file)
        writer.dump(official(state, data_name="caf\xe9"))
        Python2Pickler(file).dump(list(writer.storages))
        for whole in writer.storages.values():
            file.write(struct.pack("<q", len(whole)) + whole.numpy().tobytes())
    assert b"argparse\nNamespace" in path.read_bytes()
    checkpoint = import_checkpoint(path, VOCABULARY)
    assert same(checkpoint, state)
    assert checkpoint.info["official"]["opt"]["data_name"] == "café"


@pytest.mark.parametrize("protocol", [2, 4])
def test_numpy_numbers_in_a_checkpoint_become_plain_ones(tmp_path: Path, protocol: int) -> None:
    contents = official(official_state(), margin=np.float32(0.25))
    contents["best_rsum"], contents["Eiters"] = np.float64(411.25), np.int64(-5)
    read_back = read_checkpoint(saved(tmp_path, contents, pickle_protocol=protocol))
    assert (read_back["best_rsum"], read_back["Eiters"]) == (411.25, -5)
    assert isinstance(read_back["opt"], Settings)
    assert read_back["opt"].values["margin"] == 0.25
    assert type(read_back["best_rsum"]) is float


def test_other_number_types_and_shared_storages_are_read(tmp_path: Path) -> None:
    whole = torch.arange(24).reshape(4, 6)
    tensors = {
        "half": torch.rand(3).half(),
        "brain": torch.rand(3).bfloat16(),
        "view": whole[1:3, ::2].T,
        "same": whole,
        "parameter": torch.nn.Parameter(torch.rand(2)),
    }
    for zipped in (True, False):
        path = saved(tmp_path, {"model": tensors}, _use_new_zipfile_serialization=zipped)
        contents = read_checkpoint(path)["model"]
        for name, value in torch.load(path, weights_only=True)["model"].items():
            expected = (value.float() if name == "brain" else value).numpy(force=True)
            assert contents[name].dtype == expected.dtype
            np.testing.assert_array_equal(contents[name], expected)


# ---- refusing


class Attack:
    """Pickles to a call of any function."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.parts = (function, arguments)

    def __reduce__(self) -> object:
        return self.parts


def attacks(target: Path) -> dict[str, object]:
    command = f"touch {target}"
    return {
        "os.system": Attack(os.system, command),
        "eval": Attack(eval, f"open({str(target)!r}, 'w')"),
        "exec": Attack(exec, f"open({str(target)!r}, 'w')"),
        "open": Attack(open, str(target), "w"),
        "getattr": Attack(getattr, "text", "upper"),
        "torch.load": Attack(torch.load, str(target)),
        "a class": Attack(os.PathLike),
    }


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", attacks(Path()))
def test_a_crafted_pickle_is_refused_and_nothing_runs(
    tmp_path: Path, zipped: bool, name: str
) -> None:
    target = tmp_path / "ran"
    contents = official(official_state(), note=attacks(target)[name])
    path = saved(tmp_path, contents, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=r"nothing was run. Do not trust this file"):
        import_checkpoint(path, VOCABULARY)
    assert not target.exists()


def test_the_attack_is_a_real_one(tmp_path: Path) -> None:
    """The same file, opened as the official code opens it, does run its command."""
    target = tmp_path / "ran"
    path = saved(tmp_path, official(official_state(), note=attacks(target)["os.system"]))
    torch.load(path, weights_only=False)
    assert target.exists()


def test_hand_written_opcodes_reach_nothing_either(tmp_path: Path) -> None:
    target = tmp_path / "ran"
    text = f"touch {target}".encode()
    programs = {
        "INST": b"(S'" + text + b"'\nios\nsystem\n.",
        "OBJ": b"(cos\nsystem\nS'" + text + b"'\no.",
        "STACK_GLOBAL": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c"
        + bytes([len(text)])
        + text
        + b"\x85R.",
    }
    for program in programs.values():
        path = tmp_path / "attack.pth.tar"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", program)
        with pytest.raises(CheckpointError, match=r"asks for os\.system"):
            read_checkpoint(path)
    assert not target.exists()


def test_what_is_known_cannot_be_altered_for_the_next_file(tmp_path: Path) -> None:
    """BUILD with slots sets attributes on whatever was named; it must stay within the file."""
    program = b"\x80\x02cargparse\nNamespace\nN}U\x05mark1I1\ns\x86b."
    path = tmp_path / "first.pth.tar"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", program)
    with pytest.raises(CheckpointError):
        read_checkpoint(path)
    assert not hasattr(argparse.Namespace, "mark1")
    contents = read_checkpoint(saved(tmp_path, official(official_state())))
    assert "mark1" not in contents["opt"].values


@pytest.mark.parametrize("keep", [0, 10, 300, 1500, 3000])
def test_cut_files_are_refused(tmp_path: Path, keep: int) -> None:
    for zipped in (True, False):
        path = saved(tmp_path, official(official_state()), _use_new_zipfile_serialization=zipped)
        assert len(path.read_bytes()) > keep
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(CheckpointError, match="copied whole"):
            read_checkpoint(path)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ([1, 2], "it holds a list"),
        ({"state_dict": {}}, "no list of encoders"),
        (official([*official_state(), {}]), "holds 3 networks"),
        (official([{}, official_state()[1]]), "must have fc, embed and rnn weights"),
        (official(official_state(), no_imgnorm=True), "--no_imgnorm"),
        (official(official_state(), agg_func="Median"), "opt.pooling is 'Median'"),
        (
            official([{"cnn.module.conv1.weight": torch.ones(1)}, official_state()[1]]),
            "a whole CNN",
        ),
    ],
)
def test_what_has_no_counterpart_is_refused_by_name(
    tmp_path: Path, contents: object, message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        import_checkpoint(saved(tmp_path, contents), VOCABULARY)


def test_tensors_that_do_not_fit_each_other_are_refused(tmp_path: Path) -> None:
    state = official_state()
    state[1]["rnn.bias_hh_l0"] = torch.zeros(4)
    message = r"words.rnn.bias_hh_l0 has shape \(4,\); it must be \(15,\)"
    with pytest.raises(CheckpointError, match=message):
        import_checkpoint(saved(tmp_path, official(state)), VOCABULARY)


def test_several_gru_layers_are_refused(tmp_path: Path) -> None:
    state = official_state()
    state[1]["rnn.weight_ih_l1"] = torch.zeros(15, 5)
    with pytest.raises(CheckpointError, match="several layers"):
        import_checkpoint(saved(tmp_path, official(state)), VOCABULARY)


def test_another_vocabulary_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, official(official_state()))
    with pytest.raises(CheckpointError, match=r"vocabulary has 4 words; .* trained with 7"):
        import_checkpoint(path, Vocabulary(SPECIAL))


def test_weights_that_are_no_numbers_are_refused_by_name(tmp_path: Path) -> None:
    state = official_state()
    state[1]["rnn.weight_hh_l0"][0, :2] = torch.nan
    with pytest.raises(CheckpointError, match=r"rnn.weight_hh_l0 holds 2 of 75 values that are"):
        import_checkpoint(saved(tmp_path, official(state)), VOCABULARY)
    image = {**old_weight_norm(torch.nn.Linear(FEATURES, DIM), 0)}
    image["fc.weight_v"] = 0 * image["fc.weight_v"]  # a direction without length
    with pytest.raises(CheckpointError, match=r"fc.weight holds 30 of 30"):
        import_checkpoint(saved(tmp_path, official([image, official_state()[1]])), VOCABULARY)


def test_what_the_file_does_not_say_is_assumed_openly_and_can_be_set(tmp_path: Path) -> None:
    contents = official(official_state())
    contents["opt"] = argparse.Namespace(cross_attn="i2t")
    path = saved(tmp_path, contents)
    checkpoint = import_checkpoint(path, VOCABULARY)
    assert checkpoint.info["assumed"] == {
        "pooling": "lse",
        "normalization": "clipped_l2norm",
        "lambda_softmax": 9.0,
        "lambda_lse": 6.0,
    }
    checkpoint = import_checkpoint(path, VOCABULARY, {"pooling": "mean", "lambda_softmax": 4})
    assert checkpoint.config.scoring == Scoring(direction="i2t", pooling="mean", lambda_softmax=4.0)
    assert checkpoint.info["assumed"] == {"normalization": "clipped_l2norm"}
    del contents["opt"]
    checkpoint = import_checkpoint(saved(tmp_path, contents), VOCABULARY, {"scorer": "sum_max"})
    assert checkpoint.info["assumed"] == {"direction": "t2i"}
    with pytest.raises(ConfigError, match="pooling is 'median'; it must be one of"):
        import_checkpoint(path, VOCABULARY, {"pooling": "median"})


def test_a_checkpoint_that_says_all_has_nothing_assumed(tmp_path: Path) -> None:
    path = saved(tmp_path, official(official_state()))
    assert "assumed" not in import_checkpoint(path, VOCABULARY).info


class Crafted:
    """Pickles to a tensor of any offset, shape and strides over a storage of four numbers."""

    def __init__(self, offset: int, shape: tuple, strides: tuple) -> None:
        self.parts = (Storage(), offset, shape, strides, False, collections.OrderedDict())

    def __reduce__(self) -> object:
        return torch._utils._rebuild_tensor_v2, self.parts


class Storage:
    pass


class CraftedPickler(pickle.Pickler):
    def persistent_id(self, value: object) -> object:
        if type(value) is not Storage:
            return None
        return ("storage", torch.FloatStorage, "0", "cpu", 4)


def crafted(tmp_path: Path, tensor: tuple) -> Path:
    path, contents = tmp_path / "crafted.pth.tar", io.BytesIO()
    CraftedPickler(contents, protocol=2).dump({"model": Crafted(*tensor)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", contents.getvalue())
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/data/0", np.arange(4, dtype=np.float32).tobytes())
    return path


@pytest.mark.parametrize(
    "tensor",
    [
        (0, (5,), (1,)),
        (1, (4,), (1,)),
        (0, (2, 2), (3, 1)),
        (-1, (2,), (1,)),
        (0, (2,), (-1,)),
        (0, (2, 2), (1,)),
        (0, (1 << 40,), (0,)),
        (1 << 62, (1,), (1,)),
        (0, (-1,), (1,)),
    ],
)
def test_a_tensor_that_reaches_beyond_its_numbers_is_refused(tmp_path: Path, tensor: tuple) -> None:
    with pytest.raises(CheckpointError, match="copied whole"):
        read_checkpoint(crafted(tmp_path, tensor))


def test_tensors_of_any_layout_are_those_of_torch(tmp_path: Path) -> None:
    for tensor in ((0, (2, 2), (2, 1)), (1, (3,), (1,)), (2, (), ()), (0, (0, 9), (9, 1))):
        path = crafted(tmp_path, tensor)
        expected = torch.load(path, weights_only=True)["model"]
        np.testing.assert_array_equal(read_checkpoint(path)["model"], expected)


def test_a_small_file_cannot_grow_without_end(tmp_path: Path) -> None:
    many: list = [1]
    for _ in range(60):
        many = [many, many]
    contents = read_checkpoint(saved(tmp_path, {"model": many}))
    assert contents["model"][0] is contents["model"][1]


def test_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="the file must exist"):
        read_checkpoint(tmp_path / "none.pth.tar")


# ---- writing


def trained(**config: object) -> Checkpoint:
    sizes = {"feature_dim": FEATURES, "embed_dim": DIM, "word_dim": WORD_DIM, **config}
    return random_checkpoint(ModelConfig(**sizes), VOCABULARY)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_exported_file_is_the_official_layout(tmp_path: Path, bidirectional: bool) -> None:
    checkpoint = trained(bidirectional=bidirectional)
    export_checkpoint(tmp_path / "out.pth.tar", checkpoint)
    contents = torch.load(tmp_path / "out.pth.tar", weights_only=False, map_location="cpu")
    assert list(contents) == ["epoch", "model", "best_rsum", "opt", "Eiters"]
    assert isinstance(contents["opt"], argparse.Namespace)
    expected = official_state(bidirectional=bidirectional)
    for state, wanted in zip(contents["model"], expected, strict=True):
        assert {n: v.shape for n, v in state.items()} == {n: v.shape for n, v in wanted.items()}
    options = contents["opt"]
    assert (options.img_dim, options.embed_size, options.word_dim) == (FEATURES, DIM, WORD_DIM)
    assert options.vocab_size == len(VOCABULARY)
    assert (options.cross_attn, options.agg_func) == ("t2i", "LogSumExp")
    assert options.bi_gru is bidirectional
    linear = torch.nn.Linear(FEATURES, DIM)  # the official modules take the state as it is
    linear.load_state_dict({n.removeprefix("fc."): v for n, v in contents["model"][0].items()})


def test_exported_file_names_only_what_pytorch_03_had(tmp_path: Path) -> None:
    export_checkpoint(tmp_path / "out.pth.tar", trained())
    raw = (tmp_path / "out.pth.tar").read_bytes()
    assert b"ctorch._utils\n_rebuild_tensor\n" in raw
    assert b"_rebuild_tensor_v2" not in raw
    assert not zipfile.is_zipfile(tmp_path / "out.pth.tar")


def test_export_and_import_give_the_same_embeddings_with_standardised_features(
    tmp_path: Path,
) -> None:
    checkpoint = trained()
    generator = np.random.default_rng(1)
    checkpoint.weights["regions.mean"][:] = generator.normal(size=FEATURES)
    checkpoint.weights["regions.deviation"][:] = generator.uniform(0.5, 1.5, FEATURES)
    export_checkpoint(tmp_path / "out.pth.tar", checkpoint)
    back = import_checkpoint(tmp_path / "out.pth.tar", VOCABULARY)
    assert back.config == checkpoint.config
    features = generator.normal(size=(3, 4, FEATURES)).astype(np.float32)
    ours, theirs = Model(back), Model(checkpoint)
    counts = np.full(3, 4)
    vectors, expected = (model.encode_features(features, counts) for model in (ours, theirs))
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    vectors, expected = (model.encode_captions(["a dog", "runs"]) for model in (ours, theirs))
    np.testing.assert_array_equal(vectors.vectors, expected.vectors)


def test_models_with_further_parts_are_not_exported(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"regions.mlp"):
        export_checkpoint(tmp_path / "out.pth.tar", trained(region_mlp=True))
    with pytest.raises(CheckpointError, match="scorer 'pooled'"):
        export_checkpoint(tmp_path / "out.pth.tar", trained(scoring=Scoring(scorer="pooled")))
    with pytest.raises(CheckpointError, match=r"words\.mlp"):
        export_checkpoint(tmp_path / "out.pth.tar", trained(word_encoding="states"))
    assert not list(tmp_path.iterdir())
