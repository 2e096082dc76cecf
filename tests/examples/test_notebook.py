"""The example notebook, executed by a real kernel: the magic, the display, and the values afterwards."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "examples" / "notebook.ipynb"


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The code cells after the run."""
    folder = tmp_path_factory.mktemp("jupyter")
    kernels = folder / "kernels" / "tested"
    kernels.mkdir(parents=True)
    (kernels / "kernel.json").write_text(
        f'{{"argv": ["{sys.executable}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"], '
        '"display_name": "tested", "language": "python"}'
    )
    found = nbformat.read(NOTEBOOK, as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder))
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
        nbclient.NotebookClient(
            found, timeout=120, kernel_name="tested", resources={"metadata": {"path": str(folder)}}
        ).execute()
    return [cell for cell in found.cells if cell.cell_type == "code"]


def shown(cell: Any) -> dict[str, str]:
    """The richest output of a cell."""
    return next(dict(output.data) for output in cell.outputs if "data" in output)


def test_the_magic_shows_picture_finding_and_table_below_the_cell(cells: list[Any]) -> None:
    bundle = shown(cells[2])
    assert set(bundle) == {"text/plain", "text/html", "image/svg+xml"}
    assert "2 of 4 parameters do not train as they should: 2 cut." in bundle["text/html"]
    assert "TR202 cut" in bundle["text/html"] and "<svg" in bundle["text/html"]
    assert "<script" not in bundle["text/html"]
    assert ".detach()  # the mistake" in bundle["text/html"]
    assert bundle["text/plain"].startswith("✗ 2 of 4 parameters")


def test_the_recording_is_there_afterwards(cells: list[Any]) -> None:
    verdicts = ast.literal_eval(shown(cells[3])["text/plain"])
    assert verdicts == {
        "encoder.weight": "cut",
        "encoder.bias": "cut",
        "head.weight": "updated",
        "head.bias": "updated",
    }
    assert "detach" in cells[4].outputs[0].text


def test_a_report_shows_itself(cells: list[Any]) -> None:
    bundle = shown(cells[5])
    assert "All is well: 4 of 4 parameters updated." in bundle["text/html"]
    assert "<svg" in bundle["image/svg+xml"]


def test_the_committed_notebook_holds_no_output() -> None:
    found = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.outputs and cell.execution_count is None for cell in found.cells if cell.cell_type == "code")
