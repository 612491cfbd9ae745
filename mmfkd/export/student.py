"""Export of a student as an ordinary mmseg or mmpretrain model."""

import os
import subprocess
import sys
from pathlib import Path

import torch
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from mmfkd.checkpoints import branch_weights, load_strictly, load_weights, resolve_checkpoint
from mmfkd.config import student_config, without_init
from mmfkd.datasets.pipelines import made_size
from mmfkd.inference.opening import open_run
from mmfkd.models import Branch

from .mmpretrain_config import frames, is_text, plain_classifier_config
from .mmseg_config import channels, dataset_config, plain_config
from .single_modality import single_branch, single_weights
from .verification import needs_mmfkd

VERIFIER = Path(__file__).with_name('verification.py')
DEFAULT_SIZE = (480, 640)


def export_student(config: str | Path, checkpoint: str | Path, out: str | Path,
                   size: tuple[int, int] | None = None, student: str | None = None,
                   modality: str | None = None) -> dict[str, Path]:
    """Writes a student of a distiller so that it opens where mmfkd is not installed.

    ``config.py`` is a plain config of mmseg or mmpretrain and ``weights.pth`` its weights, for
    ``mmseg.apis.init_model`` and ``mmpretrain.get_model``. ``program.pt2`` is normalisation and
    network as one ``torch.export`` program: raw float32 (N, C, H, W), channels in the order of
    the loader (BGR), or tokens int64 (N, L), to logits; N is free, the rest is ``size``.
    ``reference.pt`` holds a raw input and the student's logits, for :func:`verify_export`.

    A text student has mmfkd's encoder, and a network may have mmfkd's decode head: such a config
    opens where mmfkd is installed, the program anywhere.

    Of a multi-modal student (CSK-Net) one modality is written: its branch is the baseline.

    Args:
        config: a config, or the work dir of a run.
        checkpoint: a file, or 'best' for the best one of the run's work dir.
        out: folder to write into; files of an earlier export are overwritten.
        size: height and width of the program's input, in pixels; by default what the test
            pipeline makes, else 480x640. Rounded up to the multiple that the config pads to.
        student: its name; None takes the first.
        modality: of a multi-modal student, the one that is exported.

    Returns:
        name to path of what was written; without 'program' where torch.export failed, which is
        printed with its reason.

    Raises:
        FileNotFoundError: config or checkpoint is missing.
        ValueError: there is no student, the checkpoint does not fit it, it has parts that mmseg or
            mmpretrain does not know, or it is multi-modal and ``modality`` is none of its own.
    """
    cfg, work_dir = open_run(config)
    init_default_scope(cfg.get('default_scope', 'mmfkd'))
    spec, stream = student_config(cfg, student), None
    if not isinstance(spec['modality'], str):
        spec, stream = single_branch(spec, modality)
    classifies = spec['model'].get('_scope_') == 'mmpretrain'
    plain = plain_classifier_config(cfg, spec) if classifies else plain_config(cfg, spec)
    source = resolve_checkpoint(checkpoint, cfg.filename, work_dir or cfg.get('work_dir'))
    weights = branch_weights(load_weights(source), student)
    weights = single_weights(weights, stream) if stream else weights
    branch = build_branch(spec, spec['model'], weights, source)

    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    files = {name: out / file for name, file in (
        ('config', 'config.py'), ('weights', 'weights.pth'), ('program', 'program.pt2'),
        ('reference', 'reference.pt'))}
    plain.dump(files['config'])
    meta = plain.test_dataloader.dataset.metainfo.to_dict()
    torch.save(dict(state_dict=branch.model.state_dict(), meta=dict(dataset_meta=meta)),
               files['weights'])
    made = made_size(dataset_config(cfg).get('pipeline', ()), spec['modality'])
    divisor = (cfg.model.get('data_preprocessor') or {}).get('size_divisor', 1)
    raw = raw_input(spec, padded(size or made or DEFAULT_SIZE, divisor))
    clips = frames(spec)
    with torch.no_grad():
        x = raw.unflatten(0, (-1, clips)) if clips > 1 else raw
        logits = branch({branch.modality: x}, record=False).output
    torch.save(dict(input=raw, logits=logits, parameters=count(branch.model)),
               files['reference'])
    # An earlier program must not be taken for this student's.
    files['program'].unlink(missing_ok=True)
    single = branch if clips == 1 else build_branch(
        spec, dict(plain.model, _scope_='mmpretrain'), weights, source)
    try:
        torch.export.save(program(single, raw), files['program'])
    except Exception as error:  # torch.export has no common base of what it raises
        files.pop('program').unlink(missing_ok=True)
        print(f'program.pt2 is left out, torch.export failed: {type(error).__name__}: {error}')
    return files


def build_branch(spec: dict, model: dict, weights: dict[str, Tensor], source: Path) -> Branch:
    """A student's branch around ``model``, with its weights, in eval mode."""
    branch = Branch(without_init(model), spec['modality'], spec.get('norm'))
    load_strictly(branch.model, weights, source)
    branch.train(False)
    return branch


def verify_export(out: str | Path) -> bool:
    """Compares an export with its student, in a process that cannot import mmfkd.

    Only a config with parts of mmfkd imports it. Prints the largest difference of each program; see
    ``verification.py`` for the tolerance.
    """
    paths = [path for path in os.environ.get('PYTHONPATH', '').split(os.pathsep)
             if path and not Path(path, 'mmfkd').is_dir()]
    if needs_mmfkd(out):
        paths.insert(0, str(Path(__file__).parents[2]))
    env = {**os.environ, 'PYTHONPATH': os.pathsep.join(paths)}
    done = subprocess.run([sys.executable, '-W', 'ignore', str(VERIFIER), '.'], cwd=out, env=env,
                          check=False)
    return done.returncode == 0


def raw_input(spec: dict, size: tuple[int, int]) -> Tensor:
    """A random (2 T, C, H, W) input in the raw units of the modality, or (2, L) tokens.

    It is the same every time; T is the number of frames of a clip.
    """
    generator = torch.Generator().manual_seed(0)
    if is_text(spec):
        return torch.randint(1, 100, (2, size[1]), generator=generator)
    noise = torch.randn(2 * frames(spec), channels(spec), *size, generator=generator)
    norm = spec.get('norm') or dict(mean=[0.0], std=[1.0])
    mean, std = (torch.tensor(norm[key]).view(-1, 1, 1) for key in ('mean', 'std'))
    return noise * std + mean


def padded(size: tuple[int, int], divisor: int) -> tuple[int, int]:
    """Height and width as the data preprocessor pads them."""
    height, width = (-(-length // divisor) * divisor for length in size)
    return height, width


def count(model: nn.Module) -> int:
    """Number of parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def program(branch: Branch, raw: Tensor) -> torch.export.ExportedProgram:
    """Normalisation and network as one program from raw input to logits."""
    class RawToLogits(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.branch = branch

        def forward(self, raw: Tensor) -> Tensor:
            return self.branch({self.branch.modality: raw}, record=False).output

    batch = torch.export.Dim('batch')
    return torch.export.export(RawToLogits().eval(), (raw,), dynamic_shapes=({0: batch},),
                               strict=False)
