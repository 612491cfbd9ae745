"""Trained networks, found by their work dir, their config or their export."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from mmfkd.checkpoints import resolve_checkpoint
from mmfkd.config import branch_config, load_config
from mmfkd.config.options import reading_loader
from mmfkd.export.mmseg_config import dataset_config
from mmfkd.models import CrossModalDistiller

from .loading import build_student, keep_student

EXPORTED = 'student.py'  # the config of mmfkd in the folder of an export
WEIGHTS = 'weights.pth'


@dataclass(frozen=True)
class Opened:
    """A network that is found, and not yet built.

    Attributes:
        config: with the network as its only student.
        checkpoint: of its weights.
        student: its name in the checkpoint; None is the first.
        modalities: that it takes.
        available: those of them that it is given.
    """

    config: Config
    checkpoint: Path
    student: str | None
    modalities: tuple[str, ...]
    available: tuple[str, ...]

    @property
    def dataset(self) -> Mapping:
        """Config of the data set whose pipeline reads files."""
        return dataset_config(self.config)

    @property
    def batch_size(self) -> int:
        """Of the data set that reads files."""
        loader = reading_loader(self.config)
        return int(self.config[loader].get('batch_size', 1)) if loader else 1

    def load(self) -> CrossModalDistiller:
        """The network with its weights, in eval mode."""
        return build_student(self.config, self.checkpoint, self.student)


def open_network(model: str | Path, checkpoint: str | Path = 'best',
                 available: Sequence[str] | None = None, branch: str | None = None) -> Opened:
    """Finds a network with its config and its weights.

    Args:
        model: a work dir, a config, or the folder of an export.
        checkpoint: a file, or 'best'; an export has but one.
        available: modalities that a network of several is given; all by default.
        branch: a student or a teacher; the first student by default.

    Raises:
        FileNotFoundError: there is no such config or checkpoint.
        ValueError: no such branch, or a modality that the network does not take.
    """
    cfg, path, name = find_network(model, checkpoint, branch)
    student = keep_student(cfg, name)
    student['subsets'] = ()
    modalities = ((student['modality'],) if isinstance(student['modality'], str)
                  else tuple(student['modality']))
    unknown = [one for one in available or () if one not in modalities]
    if unknown:
        raise ValueError(f'available: {", ".join(unknown)}; the network takes '
                         f'{", ".join(modalities)}')
    return Opened(cfg, path, name, modalities, tuple(available or modalities))


def is_export(model: str | Path) -> bool:
    """Whether a path is the folder of an export, which holds one network and no data set."""
    return Path(model, WEIGHTS).is_file()


def find_network(model: str | Path, checkpoint: str | Path, branch: str | None
                 ) -> tuple[Config, Path, str | None]:
    """Config, checkpoint, and name of the student in both."""
    folder = Path(model)
    if is_export(folder):
        if not (folder / EXPORTED).is_file():
            raise ValueError(f'{folder} is an export without {EXPORTED}: export the student '
                             'again, or name its work dir')
        if branch is not None or str(checkpoint) != 'best':
            raise ValueError(f'{folder} is an export, which holds one network: name no branch and '
                             'no checkpoint, or the work dir that has them')
        return exported_config(folder), folder / WEIGHTS, None
    cfg, work_dir = open_run(folder, teachers=branch is not None)
    teachers = cfg.model.get('teachers') or {}
    if branch is None or branch in cfg.model.students:
        return cfg, resolve_checkpoint(checkpoint, cfg.filename,
                                       work_dir or cfg.get('work_dir')), branch
    if branch not in teachers:
        raise ValueError(f"{cfg.filename} has no branch '{branch}': name one of "
                         f'{", ".join([*cfg.model.students, *teachers])}')
    spec = teachers[branch]
    return teacher_network(cfg, spec if str(checkpoint) == 'best' else
                           dict(spec, checkpoint=str(checkpoint)))


def teacher_network(cfg: Config, spec: Mapping) -> tuple[Config, Path, None]:
    """Config and checkpoint of a teacher as a student of its own.

    Its files are read as its own config says; as that of the distillation does where the teacher
    has none of mmfkd.
    """
    path = resolve_checkpoint(spec.get('checkpoint', 'auto'), spec.get('config'))
    own = load_config(spec['config'], teachers=False) if spec.get('config') else cfg
    found = own if own.get('model', {}).get('students') else cfg
    found.model.students = dict(student=branch_config(spec))
    return found, path, None


def exported_config(folder: Path) -> Config:
    """The config of mmfkd in an export, with the vocabulary that lies beside it."""
    cfg = load_config(folder / EXPORTED, teachers=False)
    for step in cfg.test_dataloader.dataset.get('pipeline', ()):
        if step.get('tokenizer') == 'vocab.txt':
            step['tokenizer'] = str(folder / 'vocab.txt')
    return cfg


def config_of_run(folder: Path) -> Path:
    """The config that mmengine left in a work dir.

    Raises:
        ValueError: the folder holds no config, or several.
    """
    configs = sorted(folder.glob('*.py'))
    if len(configs) != 1:
        raise ValueError(f'{folder} holds {len(configs)} configs '
                         f'({", ".join(p.name for p in configs) or "*.py"}): name the one that '
                         'the checkpoint was trained with')
    return configs[0]


def open_run(config: str | Path, teachers: bool = False) -> tuple[Config, Path | None]:
    """A config, and the work dir of its run where that is what was named.

    Args:
        config: a config, or the work dir of a run with the config that mmengine left there.
        teachers: whether teachers and losses are kept.

    Raises:
        FileNotFoundError: there is no such config or folder.
        ValueError: the folder holds no config, or several; or the config has no student.
    """
    folder, work_dir = Path(config), None
    if folder.is_dir():
        cfg, work_dir = load_config(config_of_run(folder), teachers=teachers), folder
    else:
        try:
            cfg = load_config(config, teachers=teachers)
        except FileNotFoundError as error:
            raise FileNotFoundError(f'{config} is neither a config file nor a work dir: {error}'
                                    ) from None
    if not (cfg.get('model') or {}).get('students'):
        raise ValueError(f'{cfg.filename} has no model.students: it is no config of a '
                         'CrossModalDistiller; the inferencers of mmseg and mmpretrain open it')
    return cfg, work_dir
