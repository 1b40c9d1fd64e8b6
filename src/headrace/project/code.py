"""The code of a block, to be shown."""

from pathlib import Path

from headrace import errors
from headrace.model.pipeline import Block
from headrace.project import files


def read_code(folder: Path, block: Block) -> str:
    """What the block's file says, in a project's folder or in what is kept of it. CodeUnreadable."""
    try:
        return files.text(folder, block.file or "")
    except files.Unreadable as error:
        raise errors.CodeUnreadable(block=block.uuid, why=str(error)) from None
