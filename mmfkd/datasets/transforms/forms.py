"""Forms in which a modality comes to the steps of a pipeline."""

from collections.abc import Mapping
from typing import Any

READ = dict(path='a file', folder='a folder', text='a text')
FORMS = ('array', *READ)


def check_form(spec: Any, form: str, modality: str, step: str) -> None:
    """Refuses what a data set gives for a modality, if a step does not read that.

    Args:
        spec: a text, ``dict(path=FILE)``, ``dict(folder=FOLDER)``, or ``dict(array=...)`` of what
            is loaded.
        form: that the step reads, 'path', 'folder' or 'text'.
        modality: its name.
        step: name of the step.

    Raises:
        ValueError: it is of another form.
    """
    given = 'text' if isinstance(spec, str) else next(
        (key for key in FORMS if isinstance(spec, Mapping) and key in spec), None)
    if given is None:
        raise ValueError(f"'{modality}' is loaded already where {step} is to read it: take one of "
                         'the steps that load it out of the pipeline')
    if given not in (form, 'array'):
        raise ValueError(f"'{modality}' is {READ[given]}, but {step} reads {READ[form]}: say "
                         f"columns=dict({modality}='{form}') of a ListDataset, or take another "
                         'step')


def check_loaded(value: Any, modality: str, step: str, loader: str) -> None:
    """Refuses a modality that a step takes before it is loaded.

    Args:
        value: of the modality.
        modality: its name.
        step: name of the step that takes them.
        loader: name of the step that loads them.

    Raises:
        ValueError: it is a file, a folder or a text yet.
    """
    if isinstance(value, (str, Mapping)):
        raise ValueError(f"'{modality}' is not loaded: put dict(type='{loader}', "
                         f"modality='{modality}', ...), or what loads it, before {step}")
