"""tools/export.py on small students: files, a process without mmfkd, bad inputs."""

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmfkd.cli import export
from mmfkd.config import student_config
from mmfkd.export.mmseg_config import plain_config
from mmfkd.export.student import VERIFIER, export_student
from mmfkd.models import CrossModalDistiller

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools/export.py'
SIZE = (48, 64)
TINY = dict(backbone=dict(base_channels=8, init_cfg=None),
            decode_head=dict(in_channels=64, c1_in_channels=8, channels=8, c1_channels=4))
LEAVES = dict(rgb='configs/fdkd/nyuv2_depth2rgb.py', depth='configs/unimodal/nyuv2_depth.py')

# What a user without mmfkd does; argv: output file, then folder and image of each model.
PLAIN_USER = '''
import sys
sys.modules['mmfkd'] = None
import torch
from mmseg.apis import inference_model, init_model
out, *pairs = sys.argv[1:]
results = {}
for folder, image in zip(pairs[::2], pairs[1::2]):
    model = init_model(f'{folder}/config.py', f'{folder}/weights.pth', device='cpu')
    sample = inference_model(model, image)
    results[folder] = dict(logits=sample.seg_logits.data, shapes={
        name: list(p.shape) for name, p in model.named_parameters()}, meta=model.dataset_meta)
torch.save(results, out)
'''


def tiny(leaf):
    """A shipped config with a small network."""
    cfg = Config.fromfile(ROOT / leaf)
    cfg.merge_from_dict(dict(model=dict(students=dict(student=dict(model=TINY)))))
    return cfg


def distiller(cfg):
    """The config's student, with a second student and a loss that has weights of its own."""
    init_default_scope('mmfkd')
    torch.manual_seed(0)
    student = cfg.model.students.student
    losses = dict(loss_feature=dict(
        type='FeatureLoss', student='student.feat', teacher='peer.feat',
        adapter=dict(type='mmseg.Conv2d', in_channels=64, out_channels=64, kernel_size=1)))
    model = CrossModalDistiller(dict(student=student, peer=student), losses=losses)
    # Batch norms as after training: statistics of their own.
    for name, buffer in model.named_buffers():
        if 'running' in name:
            buffer.uniform_(0.5, 1.5)
    return model.eval()


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    """modality: work dir of a run, its distiller and an image file of the modality."""
    rng = np.random.default_rng(0)
    images = dict(rgb=rng.integers(0, 256, (*SIZE, 3), np.uint8),
                  depth=rng.integers(500, 9000, SIZE, np.uint16))
    found = {}
    for modality, leaf in LEAVES.items():
        folder = tmp_path_factory.mktemp(modality)
        cfg = tiny(leaf)
        model = distiller(cfg)
        cfg.dump(folder / Path(leaf).name)
        torch.save(dict(state_dict=model.state_dict(), meta=dict(epoch=1)),
                   folder / 'best_mIoU_epoch_1.pth')
        cv2.imwrite(str(folder / 'image.png'), images[modality])
        found[modality] = folder, model, images[modality]
    return found


@pytest.fixture(scope='module')
def exports(runs, tmp_path_factory):
    """modality: exported folder; depth by the command from its work dir, rgb by the function."""
    root = tmp_path_factory.mktemp('export') / 'new'
    folder = runs['rgb'][0]
    export_student(folder / 'nyuv2_depth2rgb.py', folder / 'best_mIoU_epoch_1.pth', root / 'rgb',
                   SIZE)
    command = [sys.executable, TOOL, runs['depth'][0], 'best', '-o', root / 'depth', '--size',
               *SIZE]
    done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True,
                          text=True, env={**os.environ, 'PYTHONPATH': str(ROOT)})
    assert done.returncode == 0, done.stdout + done.stderr
    for line in (r'parameters: ([\d,]+) of \1', 'config.py.*: largest difference',
                 'program.pt2: largest difference'):
        assert re.search(line, done.stdout), done.stdout
    return {modality: root / modality for modality in runs}


@pytest.fixture(scope='module')
def plain_results(runs, exports, tmp_path_factory):
    """modality: what plain mmseg makes of the export and the image file."""
    folder = tmp_path_factory.mktemp('plain')
    pairs = [str(p) for m in runs for p in (exports[m], runs[m][0] / 'image.png')]
    command = [sys.executable, '-W', 'ignore', '-c', PLAIN_USER, 'results.pt', *pairs]
    env = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = torch.load(folder / 'results.pt', weights_only=True)
    return {m: results[str(exports[m])] for m in runs}


@pytest.mark.parametrize('modality', LEAVES)
def test_files_name_nothing_of_mmfkd(exports, modality):
    out = exports[modality]
    assert {path.name for path in out.iterdir()} == {
        'config.py', 'weights.pth', 'program.pt2', 'reference.pt'}
    text = (out / 'config.py').read_text()
    assert not [word for word in ('mmfkd', '_scope_', 'InflatedPretrained') if word in text]


@pytest.mark.parametrize('modality', LEAVES)
def test_weights_are_those_of_the_student_alone(runs, exports, modality):
    content = torch.load(exports[modality] / 'weights.pth', weights_only=True)
    student = runs[modality][1].student.model.state_dict()
    assert list(content['state_dict']) == list(student)
    assert all(torch.equal(content['state_dict'][key], student[key]) for key in student)
    meta = content['meta']['dataset_meta']
    assert len(meta['classes']) == len(meta['palette']) == 40


@pytest.mark.parametrize('modality', LEAVES)
def test_plain_mmseg_reads_the_file_and_gives_the_same_logits(runs, plain_results, modality):
    _, model, image = runs[modality]
    planes = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
    raw = torch.from_numpy(np.ascontiguousarray(planes).astype(np.float32))[None]
    with torch.no_grad():
        logits = model(dict([(modality, raw)]))
    expected = torch.nn.functional.interpolate(logits, SIZE, mode='bilinear')[0]
    result = plain_results[modality]
    assert expected.std() > 1e-3
    assert torch.allclose(result['logits'], expected, atol=1e-5)
    assert result['shapes'] == {name: list(p.shape)
                                for name, p in model.student.model.named_parameters()}
    assert result['meta']['classes'][0] == 'wall'


def test_program_takes_raw_input_in_any_batch_size(runs, exports):
    run = torch.export.load(exports['rgb'] / 'program.pt2').module()
    raw = torch.rand(3, 3, *SIZE) * 255
    with torch.no_grad():
        expected = runs['rgb'][1](dict(rgb=raw))
        assert torch.allclose(run(raw), expected, atol=1e-5)


def test_a_wrong_export_is_refused(exports, tmp_path):
    out = shutil.copytree(exports['rgb'], tmp_path / 'rgb')
    reference = torch.load(out / 'reference.pt', weights_only=True)
    changed = dict(logits=reference['logits'] + 1e-3, parameters=reference['parameters'] + 1)
    torch.save({**reference, **changed}, out / 'reference.pt')
    verifier = runpy.run_path(str(VERIFIER))
    reference = torch.load(out / 'reference.pt', weights_only=True)
    problems = [problem for part in ('verify_model', 'verify_program')
                for problem in verifier[part](out, reference)]
    assert [text.split(' differs')[0] for text in problems] == [
        'the number of parameters', 'config.py + weights.pth', 'program.pt2']


def test_pipeline_keeps_the_resize_and_the_loader_of_the_data_set():
    cfg = tiny('configs/unimodal/ombria96_sar.py')
    pipeline = plain_config(cfg, student_config(cfg)).test_pipeline
    assert [step.type for step in pipeline] == ['LoadImageFromFile', 'Resize', 'PackSegInputs']
    assert pipeline[0].color_type == 'grayscale'
    assert pipeline[1].scale == (96, 96)


@pytest.mark.parametrize(('change', 'message'), [
    ({'backbone.type': 'mmfkd.MyNet'}, r"model\.backbone: type='mmfkd.MyNet' is of mmfkd"),
    ({'_scope_': 'mmpretrain'}, "only a model with _scope_='mmseg'"),
])
def test_models_that_mmseg_cannot_open(change, message):
    cfg = tiny(LEAVES['rgb'])
    for key, value in change.items():
        cfg.merge_from_dict({f'model.students.student.model.{key}': value})
    with pytest.raises(ValueError, match=message):
        plain_config(cfg, student_config(cfg))


def test_bad_inputs_end_with_a_message(runs, tmp_path, monkeypatch):
    main = export.main
    folder = runs['rgb'][0]
    config = str(folder / 'nyuv2_depth2rgb.py')
    best = str(folder / 'best_mIoU_epoch_1.pth')
    (tmp_path / 'mmseg.py').write_text('model = dict(type="EncoderDecoder")\n')
    (tmp_path / 'torn.pth').write_bytes(Path(best).read_bytes()[:1000])
    (tmp_path / 'empty').mkdir()
    torch.save(dict(epoch=3), tmp_path / 'weightless.pth')
    for arguments, message in [
            (['no/such.py', best], 'neither a config file nor a work dir'),
            ([tmp_path / 'empty', best], 'holds 0 configs'),
            ([tmp_path / 'mmseg.py', best], 'mmseg.py has no model.students'),
            ([config, tmp_path / 'none.pth'], 'is no file'),
            ([config, tmp_path / 'torn.pth'], 'truncated'),
            ([config, tmp_path / 'weightless.pth'], 'has no weights'),
            ([config, runs['depth'][0] / 'best_mIoU_epoch_1.pth'], 'another architecture'),
            ([config, 'best'], 'holds no best_')]:
        monkeypatch.setattr(sys, 'argv', ['export.py', *map(str, arguments), '-o',
                                          str(tmp_path / 'out')])
        with pytest.raises(SystemExit) as ended:
            main()
        assert message in str(ended.value.code)
    assert not (tmp_path / 'out').exists()
