"""Jobs as they are written: a block's file of YAML says what table goes whereto."""

from typing import Any

from headrace import errors
from headrace.model import transfer
from headrace.model.transfer import Transfer
from headrace.project import document, faults


def read(text: str, file: str, place: str = "the job") -> Transfer:
    """What the file says. BadBlockFile for one that is no YAML; BadField names what is not as it is to be, below `place`."""
    try:
        said: Any = document.parse(text).value
    except (faults.NotYaml, faults.NotPlain) as error:
        raise errors.BadBlockFile(file=file, why=f"it is no YAML ({error})") from None
    return transfer.read(said, place)
