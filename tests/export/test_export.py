"""tools/export.py on small students: files, a process without mmfkd, bad inputs."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
from huggingface_hub import ModelCard
from mmengine.config import Config
from mmengine.registry import init_default_scope
from safetensors.torch import load_file

from mmfkd.checkpoints import load_network
from mmfkd.checkpoints.settings import training_values
from mmfkd.cli import export
from mmfkd.config import load_config, student_config
from mmfkd.export.card import Card, text_of
from mmfkd.export.mmseg_config import palette_of, plain_config
from mmfkd.export.program import write_onnx, write_program
from mmfkd.export.student import VERIFIER, export_student, verify_export, was_distilled
from mmfkd.export.units import in_file_units, unit_of
from mmfkd.inference import Predictor
from mmfkd.models import CrossModalDistiller
from mmfkd.models.branch import Normalize

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
from mmseg.apis import MMSegInferencer, inference_model, init_model
out, *pairs = sys.argv[1:]
results = {}
for folder, image in zip(pairs[::2], pairs[1::2]):
    model = init_model(f'{folder}/config.py', f'{folder}/weights.pth', device='cpu')
    sample = inference_model(model, image)
    drawn = MMSegInferencer(f'{folder}/config.py', f'{folder}/weights.pth', device='cpu')(
        image, return_vis=True, show=False)
    results[folder] = dict(mask=torch.from_numpy(drawn['predictions']),
                           drawn=list(drawn['visualization'].shape),
                           logits=sample.seg_logits.data, shapes={
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
    (folder / 'summary.json').write_text(json.dumps(dict(
        checkpoint='best_mIoU_epoch_1.pth', seed=7, val=44.4, test=dict(mIoU=33.333), gain=1.5)))
    export_student(folder / 'nyuv2_depth2rgb.py', folder / 'best_mIoU_epoch_1.pth', root / 'rgb',
                   SIZE, licence='non-commercial')
    command = [sys.executable, TOOL, runs['depth'][0], 'best', '-o', root / 'depth', '--size',
               *SIZE, '--format', 'onnx']
    done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True,
                          text=True, env={**os.environ, 'PYTHONPATH': str(ROOT)})
    assert done.returncode == 0, done.stdout + done.stderr
    for line in (r'parameters: ([\d,]+) of \1', 'config.py.*: largest difference',
                 'program.pt2: largest difference .*2x1x48x64, 1x1x75x77, 3x1x48x128',
                 'model.onnx: largest difference .*2x1x48x64, 1x1x75x77, 3x1x48x128'):
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
    onnx = {'model.onnx'} if modality == 'depth' else set()
    assert {path.name for path in out.iterdir()} == {
        'config.py', 'weights.pth', 'weights.safetensors', 'student.py', 'README.md',
        'program.pt2', 'reference.pt'} | onnx
    assert len({path.stat().st_mode for path in out.iterdir()}) == 1
    text = (out / 'config.py').read_text()
    assert not [word for word in ('mmfkd', '_scope_', 'InflatedPretrained') if word in text]


@pytest.mark.parametrize('modality', LEAVES)
def test_weights_are_those_of_the_student_alone(runs, exports, modality):
    content = torch.load(exports[modality] / 'weights.pth', weights_only=True)
    student = runs[modality][1].student.model.state_dict()
    assert list(content['state_dict']) == list(student)
    assert all(torch.equal(content['state_dict'][key], student[key]) for key in student)
    same = load_file(exports[modality] / 'weights.safetensors')
    assert set(same) == set(student)
    assert all(torch.equal(same[key], student[key]) for key in student)
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
    # The inferencer of mmseg opens the same folder, and draws.
    assert torch.equal(result['mask'], result['logits'].argmax(0))
    assert result['drawn'] == [*SIZE, 3]


@pytest.mark.parametrize('shape', [(3, *SIZE), (1, 33, 200), (2, 101, 64)])
def test_program_takes_raw_input_of_any_size_and_number(runs, exports, shape):
    run = torch.export.load(exports['rgb'] / 'program.pt2').module()
    raw = torch.rand(shape[0], 3, *shape[1:]) * 255
    with torch.no_grad():
        expected = runs['rgb'][1](dict(rgb=raw))
        assert expected.std() > 1e-3
        assert torch.equal(run(raw), expected)


def test_onnx_takes_raw_input_of_any_size_and_number(runs, exports):
    session = onnxruntime.InferenceSession(exports['depth'] / 'model.onnx')
    for samples, *size in ((3, *SIZE), (1, 40, 97), (2, 101, 64)):
        raw = torch.rand(samples, 1, *size) * 5000
        with torch.no_grad():
            expected = runs['depth'][1](dict(depth=raw))
        found = torch.from_numpy(session.run(None, dict(raw=raw.numpy()))[0])
        assert torch.allclose(found, expected, atol=1e-4)
        assert (found.argmax(1) == expected.argmax(1)).float().mean() >= 0.9999


def test_the_predictor_opens_an_export_and_predicts_the_same(runs, exports):
    folder = runs['rgb'][0]
    image = folder / 'image.png'
    wanted, = Predictor(folder / 'nyuv2_depth2rgb.py', folder / 'best_mIoU_epoch_1.pth')(image)
    found, = Predictor(exports['rgb'])(image)
    assert found.classes == wanted.classes
    np.testing.assert_array_equal(found.mask, wanted.mask)


def test_an_export_holds_one_network(exports):
    for arguments in (dict(branch='teacher'), dict(checkpoint='epoch_1.pth')):
        with pytest.raises(ValueError, match='is an export, which holds one network'):
            Predictor(exports['rgb'], **arguments)


def test_the_model_card_says_what_a_stranger_needs(exports):
    card = ModelCard.load(exports['rgb'] / 'README.md')
    assert 'torch.zeros(1, 3, 48, 64, dtype=torch.float32)' in card.text
    assert card.data.pipeline_tag == 'image-segmentation' and 'rgb' in card.data.tags
    rows = dict(re.findall(r'^\| (.+?) \| (.+) \|$', card.text, re.MULTILINE))
    assert rows['seed'] == '7' and rows['mIoU on validation'] == '44.40'
    assert rows['mIoU on test'] == '33.33'
    assert rows['against the baseline of the same seed'] == '+1.50'
    assert rows['licence of the training data'] == 'non-commercial'
    assert rows['classes'].startswith('wall, floor, cabinet')
    assert '(N, 3, H, W)' in rows['input']
    other = ModelCard.load(exports['depth'] / 'README.md').text
    assert 'not known: of these weights alone no run has any' in other
    assert 'licence of the training data | not stated' in other


def test_scores_of_a_config_that_was_edited_since_are_left_out(runs, exports, tmp_path, capsys):
    folder = runs['rgb'][0]
    cfg = Config.fromfile(folder / 'nyuv2_depth2rgb.py')
    cfg.merge_from_dict(dict(
        model=dict(students=dict(student=dict(model=dict(backbone=dict(init_cfg=None))))),
        test_dataloader=dict(batch_size=3, dataset=dict(data_root='elsewhere'))))
    cfg.dump(tmp_path / 'same.py')
    export_student(tmp_path / 'same.py', folder / 'best_mIoU_epoch_1.pth', tmp_path / 'same', SIZE)
    assert 'mIoU on test | 33.33' in (tmp_path / 'same/README.md').read_text()
    cfg.model.students.student.norm.std[0] = 1.0
    cfg.dump(tmp_path / 'edited.py')
    capsys.readouterr()
    export_student(tmp_path / 'edited.py', folder / 'best_mIoU_epoch_1.pth', tmp_path / 'out',
                   SIZE)
    card, printed = (tmp_path / 'out/README.md').read_text(), capsys.readouterr().out
    assert '33.33' not in card and 'scores | not known: the run was scored otherwise' in card
    for text in (card, printed):
        assert re.search(r'model\.students\.student\.norm\.std\.0=[\d.]+, and now 1\.0', text)
    assert 'init_cfg' not in printed and 'data_root' not in printed


def test_the_five_lines_of_the_model_card_run(exports, tmp_path):
    text = (exports['rgb'] / 'README.md').read_text()
    code = re.search(r'```python\n(.*?)```', text, re.DOTALL)[1]
    env = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
    done = subprocess.run([sys.executable, '-c', "import sys; sys.modules['mmfkd'] = None\n" + code
                           + 'print(tuple(classes.shape))'], cwd=exports['rgb'], env=env,
                          capture_output=True, text=True)
    assert done.stdout.strip() == '(1, 12, 16)', done.stderr


def test_a_layer_that_no_free_size_suits_takes_one_size(tmp_path, capsys):
    class Fixed(torch.nn.Module):
        modality = 'rgb'

        def forward(self, inputs, record):
            x = inputs['rgb']
            if x.shape[2] != 40:
                raise RuntimeError('40 rows')
            return SimpleNamespace(output=x * 2)

    path = tmp_path / 'program.pt2'
    assert write_program(Fixed(), torch.rand(2, 3, 40, 40), path) == 'one'
    assert 'program.pt2 takes one size alone, its export failed' in capsys.readouterr().out
    assert torch.export.load(path).module()(torch.ones(3, 3, 40, 40)).sum() == 3 * 3 * 1600 * 2
    # ONNX is asked what it takes: its exporter fixes sizes by itself.
    onnx = tmp_path / 'model.onnx'
    assert write_onnx(Fixed(), torch.rand(2, 3, 40, 40), onnx) == 'one'
    assert 'model.onnx takes one size alone' in capsys.readouterr().out
    cases = [dict(input=torch.ones(samples, 3, 40, width), logits=2 * torch.ones(
        samples, 3, 40, width)) for samples, width in ((2, 40), (1, 60), (3, 40))]
    verifier = runpy.run_path(str(VERIFIER))
    reference = dict(cases=cases, sizes={'model.onnx': 'one', 'program.pt2': 'one'})
    assert verifier['verify_onnx'](tmp_path, reference) == []
    assert 'model.onnx: largest difference 0.0e+00 (2x3x40x40, 3x3x40x40)' in (
        capsys.readouterr().out)
    # One that was written as free must take all.
    reference['sizes']['program.pt2'] = 'any'
    with pytest.raises(AssertionError):
        verifier['verify_program'](tmp_path, reference)


@pytest.mark.parametrize(('given', 'said'), [
    (float('nan'), 'differs from the student by nan'), (1.0, 'differs from the student by 1.0e'),
    (0.0, None)])
def test_logits_that_are_no_numbers_are_not_those_of_the_student(given, said):
    compare = runpy.run_path(str(VERIFIER))['compare']
    cases = [dict(input=torch.zeros(2, 3, 4, 4), logits=torch.zeros(2, 4)) for _ in range(2)]
    answers = iter([torch.full((2, 4), given), torch.zeros(2, 4)])
    problems = compare('model.onnx', lambda raw: next(answers), cases)
    assert len(problems) == bool(said) and (not said or said in problems[0])


def test_logits_of_another_shape_are_not_those_of_the_student():
    compare = runpy.run_path(str(VERIFIER))['compare']
    cases = [dict(input=torch.zeros(2, 3, 4, 4), logits=torch.zeros(2, 4))]
    assert compare('program.pt2', lambda raw: torch.zeros(2, 1), cases) == [
        'program.pt2 gives logits of the shape (2, 1), and the student (2, 4)']


def test_a_wrong_export_is_refused(exports, tmp_path):
    out = shutil.copytree(exports['rgb'], tmp_path / 'rgb')
    reference = torch.load(out / 'reference.pt', weights_only=True)
    cases = [dict(case, logits=case['logits'] + 1e-3) for case in reference['cases']]
    changed = dict(cases=cases, parameters=reference['parameters'] + 1)
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


@pytest.mark.parametrize('scope', ['', 'mmfkd.'])
def test_a_loader_of_mmfkd_is_one_of_mmseg_in_an_export(scope):
    cfg = tiny('configs/unimodal/ombria96_sar.py')

    def exported(kind):
        cfg.test_dataloader.dataset.modalities = dict(sar=dict(
            folder='sar', suffix='.png', channels=1, loader=dict(type=scope + kind)))
        return plain_config(cfg, student_config(cfg)).test_pipeline[0].type

    assert exported('LoadInfrared') == 'LoadImageFromFile'
    assert exported('LoadArray') == 'LoadImageFromNDArray'
    with pytest.raises(ValueError, match="type='mmfkd.LoadFrames' is of mmfkd"):
        exported('LoadFrames')


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


@pytest.mark.parametrize('name', ['student', 'peer'])
def test_each_of_two_students_is_exported_with_its_own_weights(name, runs, tmp_path):
    folder, model, _ = runs['rgb']
    config = tmp_path / 'two.py'
    config.write_text(f"_base_ = [{str(folder / 'nyuv2_depth2rgb.py')!r}]\n"
                      'model = dict(students=dict(peer=_base_.model.students.student))\n')
    files = export_student(config, folder / 'best_mIoU_epoch_1.pth', tmp_path / 'out', SIZE, name)
    exported = torch.load(files['weights'], weights_only=True)['state_dict']
    wanted, other = (model.students[one].model.state_dict()
                     for one in (name, *({'student', 'peer'} - {name})))
    assert all(torch.equal(exported[key], value) for key, value in wanted.items())
    assert not all(torch.equal(exported[key], value) for key, value in other.items())


@pytest.mark.parametrize(('meta', 'message'), [
    (dict(modalities=dict(student=['depth'], peer=['rgb'])), "is of a student of 'depth'"),
    (dict(takes=dict(student=dict(rgb=dict(mean=[0.0] * 3, std=[1.0] * 3, bgr_to_rgb=True)))),
     "trained with norm=.* of 'rgb', and the config says")])
def test_weights_of_another_input_are_not_exported(meta, message, runs, tmp_path):
    folder, model, _ = runs['rgb']
    torch.save(dict(state_dict=model.state_dict(), meta=meta), tmp_path / 'other.pth')
    with pytest.raises(ValueError, match=message):
        export_student(folder / 'nyuv2_depth2rgb.py', tmp_path / 'other.pth', tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_an_export_says_what_its_network_takes(runs, exports, tmp_path):
    model = runs['rgb'][1].students['student']
    with pytest.raises(ValueError, match="is of a student of 'depth', and this network takes"):
        load_network(model.model, exports['depth'] / 'weights.pth', takes=model.takes)
    load_network(model.model, exports['rgb'] / 'weights.pth', takes=model.takes)
    with pytest.raises(ValueError, match="--modality depth: the student takes 'rgb' alone"):
        export_student(runs['rgb'][0], 'best', tmp_path / 'out', modality='depth')


def joined(cfg, **changes):
    dataset = cfg.test_dataloader.dataset
    cfg.test_dataloader.dataset = dict(type='ConcatDataset',
                                       datasets=[dataset, {**dataset, **changes}])
    return cfg


def test_joined_test_sets_are_read_as_each_of_them_is():
    single = Config.fromfile(ROOT / LEAVES['rgb'])
    wanted = plain_config(single, student_config(single))
    both = joined(Config.fromfile(ROOT / LEAVES['rgb']), data_prefix=dict(rgb='other'))
    found = plain_config(both, student_config(both))
    assert found.test_pipeline == wanted.test_pipeline
    assert found.test_dataloader.dataset.metainfo == wanted.test_dataloader.dataset.metainfo
    other = joined(Config.fromfile(ROOT / LEAVES['rgb']), pipeline=[])
    with pytest.raises(ValueError, match='that test_dataloader joins differ in pipeline, and one'):
        plain_config(other, student_config(other))


@pytest.mark.parametrize('palette', [[[1, 2, 3]], [[1, 2, 300], [0, 0, 0]]])
def test_a_palette_that_does_not_fit_the_classes_is_refused(palette):
    with pytest.raises(ValueError, match=f'palette has {len(palette)} colours for 2 classes: give'):
        palette_of(dict(type='RGBXDataset', metainfo=dict(palette=palette)), ('a', 'b'))


def test_values_that_the_data_set_scales_are_those_of_the_file_in_an_export(runs, tmp_path):
    folder, model, _ = runs['depth']
    cfg = tiny(LEAVES['depth'])
    reading = dict(folder='depth', suffix='.png', channels=1, scale=2.5)
    cfg.test_dataloader.dataset.modalities = dict(depth=reading)
    cfg.dump(tmp_path / 'scaled.py')
    best = folder / 'best_mIoU_epoch_1.pth'
    export_student(tmp_path / 'scaled.py', best, tmp_path / 'out', SIZE)
    assert verify_export(tmp_path / 'out')
    norm = cfg.model.students.student.norm
    plain = Config.fromfile(tmp_path / 'out/config.py').data_preprocessor
    assert plain.mean == [pytest.approx(norm.mean[0] / 2.5)]
    x = torch.rand(2, 1, 3, 3) * 9000
    scaled = in_file_units(cfg, cfg.model.students.student)
    assert torch.allclose(Normalize(**scaled['norm'])(x), Normalize(**norm)(2.5 * x), atol=1e-5)
    # mmfkd reads the files as in training.
    assert Config.fromfile(tmp_path / 'out/student.py').model.students.student.norm == norm
    load_network(model.students['student'].model, tmp_path / 'out/weights.pth',
                 takes=model.students['student'].takes)
    with pytest.raises(ValueError, match='scale=2.5 of the data set has no place in an export'):
        in_file_units(cfg, dict(modality='depth'))


@pytest.mark.parametrize(('bits', 'unit'), [
    (None, 'those of 8 bits as they are, values of 16 bits divided by 257'),
    (14, 'of files, values of 16 bits divided by 64.2471')])
def test_the_unit_of_infrared_is_stated(bits, unit):
    loader = dict(type='mmfkd.LoadInfrared', channels=3, bits=bits)
    dataset = dict(type='RGBXDataset', modalities=dict(ir=dict(
        folder='ir', suffix='.png', channels=3, loader=loader)))
    assert unit in unit_of(dataset, 'ir') and unit_of(dataset, 'rgb') == ''


def test_the_card_says_how_one_logit_is_read_and_what_was_trained():
    card = Card('x', True, 'rgb', 'image', (3, 8, 8), 'any', {}, ('a', 'b'), {}, 'mIoU', '')
    assert 'classes = logits.argmax(1)' in text_of(card)
    assert 'trained with mmfkd.' in text_of(card) and 'distillation' not in text_of(card)
    fixed = text_of(replace(card, sizes='one', onnx='any'))
    assert '`program.pt2` takes H and W of 8x8 alone, `model.onnx` any' in fixed
    assert '| sizes |' not in text_of(replace(card, onnx='any'))
    card = replace(card, threshold=0.3, distilled=True, divisor=16)
    code = re.search(r'^classes = .*$', text_of(card), re.MULTILINE)[0]
    names = dict(logits=torch.tensor([[[[2.0, -2.0]]]]))
    exec(code, names)
    assert names['classes'].tolist() == [[[1, 0]]]
    for part in ('logits (N, 1, h, w)', 'H and W are multiples of 16', 'knowledge-distillation',
                 'trained with cross-modal knowledge distillation by mmfkd'):
        assert part in text_of(card)


def test_a_loss_that_was_switched_off_distilled_nothing():
    for options, expected in (({}, True), ({'model.losses.loss_kd': None}, False)):
        cfg = load_config('kd/synthetic_depth2rgb', options)
        assert was_distilled(dict(training=training_values(cfg))) == expected
    assert not was_distilled({})
