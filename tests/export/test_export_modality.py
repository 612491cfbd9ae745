"""One modality of CSK-Net exported: the ordinary baseline, opened without mmfkd."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmfkd.config import load_config, student_config
from mmfkd.export.mmseg_config import plain_config
from mmfkd.export.single_modality import single_branch
from mmfkd.export.student import export_student
from mmfkd.models import CrossModalDistiller

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools/export.py'
METHODS = ('csknet', 'cen')


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    """method: work dir of a run, and its distiller."""
    found = {}
    init_default_scope('mmfkd')
    for method in METHODS:
        folder = tmp_path_factory.mktemp(method)
        cfg = load_config(f'{method}/ombria96_optical-sar')
        torch.manual_seed(0)
        model = CrossModalDistiller(students=dict(student=cfg.model.students.student))
        for key, value in model.state_dict().items():
            if 'running_var' in key:
                value.uniform_(0.5, 1.5)
        cfg.dump(folder / 'ombria96_optical-sar.py')
        torch.save(dict(state_dict=model.state_dict(), meta=dict(epoch=1)),
                   folder / 'best_mIoU_epoch_1.pth')
        found[method] = folder, model.eval()
    return found


def export(*arguments):
    command = [sys.executable, TOOL, *arguments]
    return subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True,
                          text=True, check=False, env={**os.environ, 'PYTHONPATH': str(ROOT)})


@pytest.mark.parametrize('method', METHODS)
def test_the_infrared_branch_opens_as_a_plain_mmseg_model(runs, tmp_path, method):
    folder, model = runs[method]
    done = export(folder, 'best', '-o', tmp_path, '--modality', 'sar', '--size', 96, 96)
    assert done.returncode == 0, done.stdout + done.stderr
    for line in (r'parameters: ([\d,]+) of \1', 'config.py.*: largest difference',
                 'program.pt2: largest difference'):
        assert re.search(line, done.stdout), done.stdout
    assert 'mmfkd' not in (tmp_path / 'config.py').read_text()
    baseline = student_config(ROOT / 'configs/unimodal/ombria96dice_sar.py')
    exported = Config.fromfile(tmp_path / 'config.py').model
    for part in ('backbone', 'decode_head'):
        changed = {key for key in baseline['model'][part]
                   if baseline['model'][part][key] != exported[part].get(key)}
        assert changed <= {'init_cfg', 'loss_decode'}
    reference = torch.load(tmp_path / 'reference.pt', weights_only=True)
    with torch.no_grad():
        ours = model(dict(sar=reference['cases'][0]['input']))
    assert torch.equal(ours, reference['cases'][0]['logits']) and ours.std() > 0


def test_a_modality_must_be_named_and_known(runs, tmp_path):
    folder = runs['csknet'][0]
    for modality in (None, 'ir'):
        with pytest.raises(ValueError, match="takes .*'optical', 'sar'.*--modality sar"):
            export_student(folder, 'best', tmp_path / 'out', modality=modality)
    assert not (tmp_path / 'out').exists()


def test_a_decode_head_of_mmfkd_is_a_program_that_needs_no_mmfkd(tmp_path):
    """EfficientNet-B3's baseline at a small width: its config imports mmfkd, its program not."""
    cfg = Config.fromfile(ROOT / 'configs/unimodal/msrs_ir.py')
    cfg.merge_from_dict({'model.students.student.model.backbone': dict(
        model_name='efficientnet_lite0', init_cfg=None),
        'model.students.student.model.decode_head': dict(
            in_channels=320, c1_in_channels=24, channels=16, c1_channels=8)})
    init_default_scope('mmfkd')
    model = CrossModalDistiller(students=dict(student=cfg.model.students.student))
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'best_mIoU_epoch_1.pth')
    cfg.dump(tmp_path / 'msrs_ir.py')
    done = export(tmp_path, 'best', '-o', tmp_path / 'out', '--size', 60, 64)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'program.pt2: largest difference' in done.stdout
    # Padded to a multiple of 16, as in training.
    reference = torch.load(tmp_path / 'out/reference.pt', weights_only=True)
    assert reference['cases'][0]['input'].shape[-2:] == (64, 64)
    exported = Config.fromfile(tmp_path / 'out/config.py')
    assert exported.custom_imports.imports == ['mmfkd.models']
    assert exported.model.decode_head.loss_decode == dict(type='CrossEntropyLoss')
    assert exported.test_pipeline[0] == dict(
        type='LoadImageFromFile', color_type='color', imdecode_backend='pillow')
    code = ("import sys; sys.modules['mmfkd'] = None; import torch; "
            "run = torch.export.load('program.pt2').module(); "
            "cases = torch.load('reference.pt', weights_only=True)['cases']; "
            "assert all(torch.allclose(run(c['input']), c['logits'], atol=1e-5) for c in cases)")
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path / 'out', check=False,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_multi_modal_student_is_no_plain_model():
    cfg = load_config('csknet/ombria96_optical-sar')
    with pytest.raises(ValueError, match='one modality'):
        plain_config(cfg, student_config(cfg))


@pytest.mark.parametrize('modality', [None, 'ir', 'both'])
def test_a_student_that_cannot_be_taken_apart_is_used_as_a_whole(modality):
    spec = student_config('mmanet/streets_rgb-ir')
    with pytest.raises(ValueError, match='no part of mmfkd.MMANet .*WORK_DIR --available ir'):
        single_branch(spec, modality)


def test_rendered_streets_are_exported_too():
    cfg = Config.fromfile(ROOT / 'configs/unimodal/streets_ir.py')
    pipeline = plain_config(cfg, student_config(cfg)).test_pipeline
    assert [step.type for step in pipeline] == ['LoadImageFromFile', 'PackSegInputs']
    assert pipeline[0].color_type == 'color'
