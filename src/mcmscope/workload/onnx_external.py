"""Small constants that lie in a file beside the model; nothing outside the model's folder is ever opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import TensorProto


def external_values(tensor: TensorProto, folder: Path, elements: int) -> NDArray[Any] | None:
    """The values of a tensor of so many elements whose data is in another file of ``folder``.

    None if there is no such file there, it is too short, or its path, links followed, leads out of there.
    """
    from onnx import numpy_helper

    entries = {entry.key: entry.value for entry in tensor.external_data}
    copy = type(tensor)()
    copy.CopyFrom(tensor)
    copy.ClearField("external_data")
    copy.ClearField("data_location")
    try:
        size = _bytes_of(tensor, elements)
        offset = int(entries.get("offset", "0"))
        home = folder.resolve()
        path = (home / entries["location"]).resolve()
        if not path.is_relative_to(home) or not path.is_file() or offset < 0:
            return None
        with path.open("rb") as file:
            file.seek(offset)
            copy.raw_data = file.read(size)
        return numpy_helper.to_array(copy) if len(copy.raw_data) == size else None
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, OverflowError):
        return None


def _bytes_of(tensor: TensorProto, elements: int) -> int:
    from onnx import helper

    return elements * helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
