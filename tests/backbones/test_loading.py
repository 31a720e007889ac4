"""From a name to a backbone: what is loaded, and what is refused."""

import json
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from safetensors.torch import load_file, save_file  # noqa: E402
from tests.backbones.tiny import FAMILIES  # noqa: E402

import regard  # noqa: E402
from regard.backbones.loading import digest_of, load_backbone  # noqa: E402
from regard.backbones.settings import Choice  # noqa: E402
from regard.errors import CheckpointError, ConfigError  # noqa: E402

FIRST_NAMES = (  # of TIPSv2's weights as they are published, and what they are called here
    ("vision_model.embeddings.patch_embeddings.projection.", "vision_encoder.patch_embed.proj."),
    ("vision_model.embeddings.position_embeddings", "vision_encoder.pos_embed"),
    ("vision_model.embeddings.", "vision_encoder."),
    ("vision_model.encoder.layer.", "vision_encoder.blocks."),
    ("vision_model.layernorm.", "vision_encoder.norm."),
    (".attention.o_proj.", ".attn.proj."),
    (".layer_scale1.lambda1", ".ls1.gamma"),
    (".layer_scale2.lambda1", ".ls2.gamma"),
    ("text_model.embeddings.token_embedding.", "text_encoder.token_embedding."),
    ("text_model.encoder.layers.", "text_encoder.transformer.resblocks."),
    ("text_model.final_layer_norm.", "text_encoder.ln_final."),
    (".layer_norm1.", ".ln_1."),
    (".layer_norm2.", ".ln_2."),
    (".self_attn.out_proj.", ".attn.out_proj."),
)


def copied(folder, tmp_path):
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def change(folder, **weights):
    """Put weights in place of others; None takes one out."""
    path = folder / "model.safetensors"
    held = {**load_file(path), **weights}
    kept = {name: value for name, value in held.items() if value is not None}
    save_file(kept, path, metadata={"format": "pt"})


@pytest.mark.parametrize("family", FAMILIES)
def test_everything_that_is_saved_is_loaded(tiny_folders, family):
    model = regard.load(tiny_folders[family])
    state = model.backbone._network.state_dict()
    held = load_file(tiny_folders[family] / "model.safetensors")
    mine = {**first_names(state), "temperature": None} if family == "tipsv2" else state
    assert {name for name in mine if not name.endswith(("position_ids", ".weights"))} == set(held)
    for name in set(held) & set(state):
        torch.testing.assert_close(state[name], held[name], msg=name)


def first_name(name):
    for now, then in FIRST_NAMES:
        name = name.replace(now, then)
    if name.startswith("text_encoder"):
        name = name.replace(".self_attn.", ".attn.")
    return name.replace(".fc1.", ".c_fc.").replace(".fc2.", ".c_proj.")


def first_names(weights):
    """TIPSv2's weights as they were first published, queries, keys and values in one."""
    out = {first_name(name): value for name, value in weights.items() if name != "temperature"}
    for old, new in ((".attention.{}_proj.", ".attn.qkv."), (".attn.{}_proj.", ".attn.in_proj_")):
        for name in [name for name in out if old.format("q") in name]:
            parts = [out.pop(name.replace(old.format("q"), old.format(p))) for p in "qkv"]
            out[name.replace(old.format("q"), new)] = torch.cat(parts)
    return out


def test_tips_is_loaded_by_the_names_it_was_published_with(tiny_folders, tmp_path):
    folder = copied(tiny_folders["tipsv2"], tmp_path)
    weights = load_file(folder / "model.safetensors")
    assert "vision_encoder.blocks.0.attn.qkv.weight" in weights
    assert "text_encoder.transformer.resblocks.0.attn.in_proj_bias" in weights
    change(folder, temperature=None)  # it is in no published file
    state = regard.load(folder).backbone._network.state_dict()
    for name, value in first_names(state).items():
        if name in weights:
            torch.testing.assert_close(value, weights[name], msg=name)


def test_old_places_of_positions_are_no_weights(tiny_folders, tmp_path):
    """Checkpoints of CLIP of before 2023 hold them."""
    folder = copied(tiny_folders["clip"], tmp_path)
    change(folder, **{"text_model.embeddings.position_ids": torch.arange(77)[None]})
    assert regard.load(folder).backbone.family == "clip"


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_that_are_missing_or_too_many_are_named(tiny_folders, tmp_path, family):
    folder = copied(tiny_folders[family], tmp_path)
    name = "text_model.final_layer_norm.weight"
    change(folder, **{"text_encoder.ln_final.weight" if family == "tipsv2" else name: None})
    with pytest.raises(CheckpointError, match=f"weight {name} .* missing keys"):
        regard.load(folder)
    other = copied(tiny_folders[family], tmp_path / "other")
    change(other, **{"text_model.more.weight": torch.zeros(2)})
    with pytest.raises(CheckpointError, match=r"text_model.more.weight .* unexpected keys"):
        regard.load(other)


def test_weights_of_another_shape_and_torn_files_are_refused(tiny_folders, tmp_path):
    folder = copied(tiny_folders["clip"], tmp_path)
    change(folder, **{"logit_scale": torch.zeros(2), "visual_projection.weight": torch.zeros(3, 4)})
    with pytest.raises(CheckpointError, match=r"cannot be read|mismatched"):
        regard.load(folder)
    (folder / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(CheckpointError, match="Restore the files"):
        load_backbone(Choice(str(folder / "." / "")))


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"model_type": "siglip2"}, "NaFlex"),
        ({"model_type": "dinov3_vit"}, "must be one of clip, siglip, tipsv2"),
    ],
)
def test_other_kinds_are_refused_with_a_list(tmp_path, tree, message):
    (tmp_path / "config.json").write_text(json.dumps(tree))
    with pytest.raises(CheckpointError, match=message):
        regard.load(tmp_path)


def test_a_checkpoint_without_a_tokenizer_or_head_is_refused(tiny_folders, tmp_path):
    folder = copied(tiny_folders["clip"], tmp_path)
    for path in folder.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(CheckpointError, match="tokenizer in"):
        regard.load(folder)


def test_only_tips_has_a_second_class_token(tiny_folders):
    with pytest.raises(ConfigError, match="only TIPSv2"):
        regard.load(f"{tiny_folders['clip']}:synthetic")


def test_a_digest_changes_with_weights_and_configuration(tiny_folders, tmp_path):
    folder = copied(tiny_folders["clip"], tmp_path)
    before = digest_of(folder)
    assert before == digest_of(tiny_folders["clip"])
    change(folder, logit_scale=torch.tensor(1.5))
    changed = digest_of(folder)
    (folder / "config.json").write_text((folder / "config.json").read_text() + " ")
    assert len({before, changed, digest_of(folder)}) == 3


def test_without_the_extra_the_command_is_said(tiny_folders, tmp_path, monkeypatch):
    import sys

    folder = copied(tiny_folders["clip"], tmp_path)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigError, match=r"pip install 'regard\[backbones\]'"):
        regard.load(folder)
