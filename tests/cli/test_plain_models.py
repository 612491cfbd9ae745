"""Plain configs of mmseg and mmpretrain, through our commands to the end."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.apis import init_model
from mmseg.structures import SegDataSample
from runs import ROOT, run

from mmfkd.config import branch_config
from mmfkd.config.plain_branch import norm_of
from mmfkd.models.teachers import build_teacher

SMALL = '''
_base_ = ['{root}/configs/mixin/{name}.py']
train_dataloader = dict(num_workers=0, batch_size=4, dataset={data})
val_dataloader = dict(num_workers=0, dataset={data})
test_dataloader = dict(num_workers=0, dataset={data})
train_cfg = dict(max_epochs=2, val_interval=1)
'''


def nyuv2(root):
    """Eight images of two classes and noise, in the layout of NYUv2."""
    rng = np.random.default_rng(0)
    for split, count in dict(train=12, test=4).items():
        for kind in ('depth', 'label'):
            (root / split / kind).mkdir(parents=True)
        for i in range(count):
            label = np.zeros((32, 32), np.uint8)
            label[:, rng.integers(8, 24):] = 1
            depth = 1000 + label.astype(int) * 5000 + rng.integers(0, 500, label.shape)
            for kind, image in dict(depth=depth.astype(np.uint16), label=label).items():
                cv2.imwrite(str(root / split / kind / f'{i:04d}.png'), image)
    return dict(data_root=str(root))


@pytest.fixture(scope='module')
def trained(tmp_path_factory, request):
    """``trained(name)``: config, work dir and output of a mixin's training."""
    made = {}

    def train(name, data=None):
        if name not in made:
            # Spaces and commas are in the names of many people's folders.
            folder = tmp_path_factory.mktemp('my run, no. 1')
            options = data or nyuv2(folder / 'my data, (2024)')
            config = folder / 'small.py'
            config.write_text(SMALL.format(root=ROOT, name=name, data=f'dict(**{options!r})'))
            done = run(sys.executable, ROOT / 'tools/train.py', config, '--work-dir',
                       folder / 'run')
            made[name] = config, folder / 'run', done
        return made[name]
    return train


@pytest.mark.parametrize('name', ['mmseg_nyuv2_depth', 'mmseg_nyuv2_depth_dice'])
def test_a_segmentor_of_mmseg_trains_and_is_tested(name, trained):
    config, work_dir, done = trained(name)
    check(config, work_dir, done, 'mIoU')
    losses = [line for line in (done.stdout + done.stderr).splitlines() if 'decode.loss' in line]
    assert losses and all(('loss_dice' in line) == name.endswith('dice') for line in losses)


def test_a_classifier_of_mmpretrain_trains_and_is_tested(trained, shared_data):
    config, work_dir, done = trained('mmpretrain_avdigits_visual', dict(
        data_root=str(shared_data / 'avdigits'), indices=64))
    check(config, work_dir, done, 'accuracy/top1')


def check(config, work_dir, done, metric):
    summary = json.loads((work_dir / 'summary.json').read_text())
    assert f'best_{metric.replace("/", "_")}' in summary['checkpoint']
    assert summary['val'] > 0 and summary['test'][metric] > 0 and summary['length'] == 2
    assert 'model' in done.stdout and str(work_dir) in done.stdout.replace('\n', '')
    tested = run(sys.executable, ROOT / 'tools/test.py', config, 'best', '--work-dir', work_dir)
    scores = json.loads((work_dir / 'test.json').read_text())
    assert scores[metric] == pytest.approx(summary['test'][metric], abs=1e-4)
    assert f'metrics: {work_dir}/test.json' in tested.stdout


# ---------------------------------------------------------------- weights of plain models


STUDENT = '''
_base_ = ['{root}/configs/unimodal/synthetic_depth.py']
small = dict(batch_size=4, num_workers=0, dataset=dict(num_scenes=8, size=(32, 32)))
train_dataloader = small
val_dataloader = small
test_dataloader = small
train_cfg = dict(max_epochs=1, val_interval=1)
optim_wrapper = dict(optimizer=dict(lr=0.0))
'''


@pytest.fixture
def student(tmp_path):
    config = tmp_path / 'student.py'
    config.write_text(STUDENT.format(root=ROOT))
    return config


def test_weights_of_a_plain_model_start_the_student(student, tmp_path):
    from mmengine.config import Config

    from mmfkd.registry import MODELS
    plain = MODELS.build(Config.fromfile(student).model).student.model.state_dict()
    torch.save(dict(state_dict=plain), tmp_path / 'plain.pth')
    done = run(sys.executable, ROOT / 'tools/train.py', student, '--work-dir', tmp_path / 'run',
               '--cfg-options', f'load_from={tmp_path}/plain.pth')
    assert (f'{len(plain)} of the {len(plain)} tensors of the model start from '
            f'{tmp_path}/plain.pth, as those of students.student.model\n') in (
                done.stdout + done.stderr)
    found = torch.load(tmp_path / 'run/epoch_1.pth', weights_only=False)['state_dict']
    assert torch.equal(found['students.student.model.decode_head.conv_seg.weight'],
                       plain['decode_head.conv_seg.weight'])


def test_weights_of_another_kind_of_model_stop_the_run(student, tmp_path):
    torch.save(dict(state_dict=torch.nn.Linear(2, 2).state_dict()), tmp_path / 'x.pth')
    done = run(sys.executable, ROOT / 'tools/train.py', student, '--work-dir', tmp_path / 'run',
               '--cfg-options', f'load_from={tmp_path}/x.pth', check=False)
    assert done.returncode == 1
    assert 'x.pth has no weight of this model' in done.stderr.splitlines()[-1]


DISTILLED = '''
_base_ = ['{root}/configs/unimodal/nyuv2_rgb.py']
data = dict(data_root={data!r})
train_dataloader = dict(num_workers=0, batch_size=4, dataset=data)
val_dataloader = dict(num_workers=0, dataset=data)
test_dataloader = dict(num_workers=0, dataset=data)
train_cfg = dict(max_epochs=1, val_interval=1)
default_hooks = dict(teacher_report=dict(type='TeacherReportHook', refuse=False))
small = dict(backbone=dict(init_cfg=None, base_channels=8, stem_channels=8),
             decode_head=dict(in_channels=64, c1_in_channels=8, channels=8,
                              c1_channels=4))
model = dict(
    students=dict(student=dict(model=small)),
    teachers=dict(
        plain=dict(config='{config}', checkpoint='{checkpoint}', modality='depth'),
        again=dict(config='{config}', checkpoint='{checkpoint}', modality='depth')),
    losses=dict(loss_kd=dict(type='KDLoss', student='student.logits', teacher='plain.logits'),
                loss_two=dict(type='KDLoss', student='student.logits', teacher='again.logits')))
'''


def test_a_plain_model_teaches(trained, tmp_path):
    """Two teachers, config and checkpoint of plain mmseg, and its own normalisation."""
    config, work_dir, _ = trained('mmseg_nyuv2_depth')
    checkpoint, = work_dir.glob('best_mIoU_*.pth')
    plain = Config.fromfile(config)
    data = plain.train_dataloader.dataset.data_root
    rng = np.random.default_rng(0)
    for split, count in dict(train=12, test=4).items():
        (Path(data) / split / 'rgb').mkdir(exist_ok=True)
        for i in range(count):
            cv2.imwrite(f'{data}/{split}/rgb/{i:04d}.png',
                        rng.integers(0, 256, (32, 32, 3), np.uint8))
    path = tmp_path / 'distilled.py'
    path.write_text(DISTILLED.format(root=ROOT, data=data, config=config, checkpoint=checkpoint))
    done = run(sys.executable, ROOT / 'tools/train.py', path, '--work-dir', tmp_path / 'run')
    assert 'loss_kd.kl: ' in done.stdout + done.stderr
    assert (tmp_path / 'run/summary.json').is_file()
    # The teacher computes what mmseg computes.
    branch = build_teacher(config=str(config), checkpoint=str(checkpoint), modality='depth')
    theirs = init_model(plain, str(checkpoint), device='cpu')
    image = torch.rand(2, 1, 32, 32) * 9000
    batch = theirs.data_preprocessor(dict(inputs=list(image), data_samples=[
        SegDataSample(metainfo=dict(img_shape=(32, 32))) for _ in image]))
    with torch.no_grad():
        expected = theirs(batch['inputs'], mode='tensor')
        found = branch(dict(depth=image))
    assert expected.std() > 0
    torch.testing.assert_close(found.output, expected)
    torch.testing.assert_close(found.feats['logits'], expected)


@pytest.mark.parametrize(('text', 'message'), [
    ("default_scope = 'mmseg'\nmodel = dict(type='EncoderDecoder')", "write modality='rgb'"),
    ("default_scope = 'mmdet'\nmodel = dict(type='X')", "default_scope='mmdet' and model: True"),
    ("default_scope = 'mmseg'", "default_scope='mmseg' and model: False")])
def test_configs_that_are_no_teacher(text, message, tmp_path):
    (tmp_path / 'plain.py').write_text(text + '\n')
    with pytest.raises(ValueError, match=message):
        branch_config(dict(config=str(tmp_path / 'plain.py'), checkpoint='x.pth'))


def test_a_preprocessor_that_turns_colours_the_other_way_is_refused():
    with pytest.raises(ValueError, match='x.py: data_preprocessor.rgb_to_bgr=True'):
        norm_of(dict(mean=[0], std=[1], rgb_to_bgr=True), 'x.py')
    assert norm_of(dict(mean=[1], std=[2], to_rgb=True), 'x.py') == dict(
        mean=[1], std=[2], bgr_to_rgb=True)
    assert norm_of({}, 'x.py') is None
    assert norm_of(dict(bgr_to_rgb=True), 'x.py') == dict(
        mean=[0.0] * 3, std=[1.0] * 3, bgr_to_rgb=True)
