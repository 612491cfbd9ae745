"""Export of a student as an ordinary mmseg or mmpretrain model."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from safetensors.torch import save
from torch import Tensor, nn

from mmfkd.checkpoints import (
    branch_weights,
    check_heads,
    check_taken,
    classes_in,
    heads_of,
    load_strictly,
    read_checkpoint,
    read_summary,
    resolve_checkpoint,
    weights_in,
)
from mmfkd.config import main_metric, student_config, without_init
from mmfkd.datasets.pipelines import made_size
from mmfkd.inference.edits import edits_since
from mmfkd.inference.opening import EXPORTED, open_run
from mmfkd.inference.samples import CLIP, IMAGE
from mmfkd.models import Branch
from mmfkd.models.branch import threshold_of

from .card import Card, text_of
from .mmfkd_config import write_student
from .mmpretrain_config import frames, plain_classifier_config
from .mmseg_config import dataset_config, plain_config
from .program import write_onnx, write_program
from .references import kind_of, reference_cases, reference_sizes
from .single_modality import single_branch, single_weights
from .units import in_file_units, unit_of
from .verification import needs_mmfkd

VERIFIER = Path(__file__).with_name('verification.py')


def export_student(config: str | Path, checkpoint: str | Path, out: str | Path,
                   size: tuple[int, int] | None = None, student: str | None = None,
                   modality: str | None = None, formats: Sequence[str] = (),
                   licence: str = '') -> dict[str, Path]:
    """Writes a student of a distiller so that it opens where mmfkd is not installed.

    ``config.py`` is a plain config of mmseg or mmpretrain and ``weights.pth`` its weights, for
    ``MMSegInferencer`` and ``mmpretrain.get_model``; ``weights.safetensors`` are the same.
    ``program.pt2`` is normalisation and network as one ``torch.export`` program: raw float32
    (N, C, H, W), channels in the order of the loader (BGR), or tokens int64 (N, L), to logits, and
    ``model.onnx`` the same; N, H and W are free. ``student.py`` is mmfkd's own config, with
    ``vocab.txt`` where there are tokens, for :class:`mmfkd.inference.Predictor`. ``README.md`` is
    a model card. ``reference.pt`` holds raw inputs and the student's logits, for
    :func:`verify_export`.

    A text student has mmfkd's encoder, and a network may have mmfkd's decode head: such a config
    opens where mmfkd is installed, the program anywhere.

    Of a multi-modal student (CSK-Net) one modality is written: its branch is the baseline.

    Args:
        config: a config, or the work dir of a run.
        checkpoint: a file, or 'best' for the best one of the run's work dir.
        out: folder to write into; files of an earlier export are overwritten.
        size: height and width of the first reference, in pixels; by default what the test pipeline
            makes, else 480x640. Rounded up to the multiple that the config pads to.
        student: its name; None takes the first.
        modality: of a multi-modal student, the one that is exported.
        formats: 'onnx' writes ``model.onnx`` too.
        licence: of the training data, for the model card.

    Returns:
        name to path of what was written; without 'program' or 'onnx' where that failed, which is
        printed with its reason.

    Raises:
        FileNotFoundError: config or checkpoint is missing.
        ValueError: there is no student, the checkpoint does not fit it or is of another one, it has
            parts that mmseg or mmpretrain does not know, or it is multi-modal and ``modality`` is
            none of its own.
        SystemExit: a package of a format is missing.
    """
    cfg, work_dir = open_run(config)
    init_default_scope(cfg.get('default_scope', 'mmfkd'))
    spec, stream = student_config(cfg, student), None
    if not isinstance(spec['modality'], str):
        spec, stream = single_branch(spec, modality)
    elif modality not in (None, spec['modality']):
        raise ValueError(f"--modality {modality}: the student takes '{spec['modality']}' alone: "
                         'leave it out, or name another student')
    source = resolve_checkpoint(checkpoint, cfg.filename, work_dir or cfg.get('work_dir'))
    edits = edits_since(cfg, source)
    content = read_checkpoint(source)
    name_classes(cfg, classes_in(content))
    classifies = spec['model'].get('_scope_') == 'mmpretrain'
    own, spec = spec, in_file_units(cfg, spec)
    plain = plain_classifier_config(cfg, spec) if classifies else plain_config(cfg, spec)
    weights = branch_weights(weights_in(content, source), student)
    weights = single_weights(weights, stream) if stream else weights
    branch = build_branch(spec, spec['model'], weights, source)
    trained = content.get('meta') or {}
    takes = (branch if own is spec else build_branch(own, own['model'], weights, source)).takes
    if not stream:
        check_taken(trained, student, takes, source)
        check_heads(trained, student, branch.model, source)

    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    # What an earlier export left must not be taken for this student's.
    for name in ('program.pt2', 'model.onnx', 'vocab.txt'):
        (out / name).unlink(missing_ok=True)
    files = {name: out / file for name, file in (
        ('config', 'config.py'), ('weights', 'weights.pth'),
        ('safetensors', 'weights.safetensors'), ('student', EXPORTED), ('card', 'README.md'),
        ('reference', 'reference.pt'))}
    plain.dump(files['config'])
    meta = plain.test_dataloader.dataset.metainfo.to_dict()
    state = {key: value.contiguous() for key, value in branch.model.state_dict().items()}
    # What it takes, as checkpoints of runs say it, so that it is not loaded for another modality.
    taken = dict(modalities=dict(student=list(branch.modalities)),
                 takes=dict(student=takes), heads=dict(student=heads_of(branch.model)))
    torch.save(dict(state_dict=state, meta=dict(dataset_meta=meta, **taken)), files['weights'])
    # Not by save_file, whose file its owner alone may read.
    files['safetensors'].write_bytes(save(state, dict(classes=json.dumps(meta['classes']))))
    write_student(cfg, own, out)
    cases = reference_cases(branch, spec, reference_sizes(cfg, spec, size))
    single = branch if frames(spec) == 1 else build_branch(
        spec, dict(plain.model, _scope_='mmpretrain'), weights, source)
    raw = cases[0]['input']
    free = len({case['input'].shape[1:] for case in cases}) > 1
    sizes = {'program.pt2': write_program(single, raw, out / 'program.pt2', free),
             'model.onnx': (write_onnx(single, raw, out / 'model.onnx', free)
                            if 'onnx' in formats else '')}
    torch.save(dict(cases=cases, parameters=count(branch.model), sizes=sizes), files['reference'])
    files.update({kind: out / name for kind, name in (('program', 'program.pt2'),
                                                      ('onnx', 'model.onnx')) if sizes[name]})
    first = stream is None and student in (None, next(iter(cfg.model.students)))
    card = replace(
        card_of(cfg, spec, tuple(meta['classes']), raw, sizes['program.pt2'],
                summary_of(source) if first and not edits else {}, licence),
        distilled=was_distilled(trained), threshold=threshold_of(branch), edits=edits,
        onnx=sizes['model.onnx'])
    if edits:
        print(f'{source} was trained and scored with another config, by {"; ".join(edits)}: the '
              f"card states no scores. Export {source.parent}, or measure with mmfkd test")
    if card.unit:
        print(f"'{spec['modality']}' is {card.unit}")
    files['card'].write_text(text_of(card), encoding='utf-8')
    return files


def name_classes(cfg: Config, classes: Sequence[str]) -> None:
    """Writes into a config the classes that its network was trained on.

    A data set that takes them from its files has none in its config.

    Args:
        cfg: changed in place.
        classes: names; none leaves it as it is.
    """
    if classes:
        dataset = dataset_config(cfg)
        dataset['metainfo'] = dict(dataset.get('metainfo') or {}, classes=tuple(classes))


def card_of(cfg: Config, spec: dict, classes: tuple[str, ...], raw: Tensor, sizes: str,
            summary: dict, licence: str) -> Card:
    """What the model card says."""
    kind, dataset = kind_of(cfg, spec), dataset_config(cfg)
    resized = (made_size(dataset.get('pipeline') or (), spec['modality'])
               if kind in (IMAGE, CLIP) else None)
    return Card(Path(str(cfg.filename)).stem, spec['model'].get('_scope_') != 'mmpretrain',
                spec['modality'], kind, tuple(raw.shape[1:]), sizes,
                dict(spec.get('norm') or {}), classes, summary, str(main_metric(cfg) or 'score'),
                licence, unit=unit_of(dataset, spec['modality']), resized=resized,
                divisor=(cfg.model.get('data_preprocessor') or {}).get('size_divisor', 1))


def was_distilled(trained: Mapping) -> bool:
    """Whether a loss of a distillation took part in a training; one that is None did not.

    Args:
        trained: ``meta`` of its checkpoint.
    """
    values = json.loads(trained.get('training') or '{}')
    return any(value for key, value in values.items() if key.startswith('model.losses.'))


def summary_of(checkpoint: Path) -> dict:
    """The summary of the run whose selected checkpoint this is; empty for another file."""
    summary = read_summary(checkpoint.parent) or {}
    return summary if Path(str(summary.get('checkpoint'))).name == checkpoint.name else {}


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


def count(model: nn.Module) -> int:
    """Number of parameters."""
    return sum(parameter.numel() for parameter in model.parameters())
