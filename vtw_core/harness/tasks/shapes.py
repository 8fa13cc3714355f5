"""The questions of the task vtw_shapes: the bundled calibration set."""

from typing import Any

from vtw_core.data.dataset import read_items
from vtw_core.pictures.images import load_image
from vtw_core.shipped import ASSETS

FOLDER = ASSETS / "calibration"


def questions(**_: Any) -> Any:
    """A split "test" of rows with image (a path), prompt and answer; of several the first."""
    from datasets import Dataset, DatasetDict

    rows = [
        {"image": str(item.image), "prompt": item.prompt, "answer": item.accepted[0]}
        for item in read_items(FOLDER)
    ]
    return DatasetDict(test=Dataset.from_list(rows))


def pictures(row: dict[str, Any]) -> list[Any]:
    """The picture of a row."""
    return [load_image(row["image"])]
