"""What a result was made with is found out, and what is not there is said to be missing."""

import subprocess

from regard import provenance


def git(folder, *command):
    identity = ("-c", "user.name=A", "-c", "user.email=a@b.c")
    subprocess.run(["git", "-C", folder, *identity, *command], check=True, capture_output=True)


def test_versions_are_of_all_that_is_needed(monkeypatch):
    found = provenance.versions()
    assert {"python", "regard", "numpy", "safetensors", "torch"} <= found.keys()
    assert provenance.MISSING not in {found["regard"], found["numpy"]}
    monkeypatch.setattr("importlib.metadata.requires", lambda _: ["not-a-package>=1"])
    assert provenance.versions()["not-a-package"] == "missing"


def test_the_state_of_a_repository_is_its_commit_and_what_differs(tmp_path):
    assert provenance.git_state(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert provenance.git_state(tmp_path) is None  # no commit yet
    (tmp_path / "code.py").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    state = provenance.git_state(tmp_path)
    assert len(state["commit"]) == 40
    assert state["changed"] == []
    (tmp_path / "code.py").write_text("2")
    assert provenance.git_state(tmp_path)["changed"] == ["code.py"]


def test_without_git_there_is_no_state(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.git_state(tmp_path) is None
