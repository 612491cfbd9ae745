"""Predictions on files and arrays, against tools/test.py and against the data sets."""

import sys
from pathlib import Path
from unicodedata import normalize
from uuid import uuid4

import numpy as np
import pytest
import soundfile
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image
from runs import ROOT, run

from mmfkd.checkpoints import branch_weights
from mmfkd.cli import export
from mmfkd.cli import test as testing
from mmfkd.cli.predict import main, parse_args
from mmfkd.config import load_config
from mmfkd.datasets.synthetic.rooms import render_scene
from mmfkd.datasets.synthetic.talking_heads import RATE, render_clip
from mmfkd.inference import Classification, Predictor, Segmentation
from mmfkd.inference.reading import Reading
from mmfkd.inference.samples import Sample, named, samples_of
from mmfkd.registry import DATASETS, MODELS

SIZES = {'a': (40, 48), 'b': (33, 50), 'c': (40, 48), 'deep/d': (32, 64), 'e': (48, 40)}

IMAGES = '''
_base_ = ['{root}/configs/{config}.py']
test_dataloader = dict(batch_size=2, num_workers=0, dataset=dict(
    _delete_=True, type='RGBXDataset', data_root='{folder}/data', split='test', test_mode=True,
    metainfo=dict(classes=('wall', 'floor', 'cabinet', 'bed'),
                  palette=[[9, 0, 0], [0, 9, 0], [0, 0, 9], [9, 9, 0]]),
    modalities=dict(rgb=dict(folder='rgb', suffix='.png', channels=3),
                    depth=dict(folder='depth', suffix='.png', channels=1)),
    label=dict(folder='label'), pipeline=[
        dict(type='LoadModalities'), dict(type='StackModalities'),
        dict(type='mmseg.Resize', scale=(56, 48), keep_ratio=True),
        dict(type='LoadCheckedAnnotations'), dict(type='PackModalities')]))
test_evaluator = dict(type='mmseg.IoUMetric', output_dir='{folder}/scored')
model = dict(data_preprocessor=dict(type='MultiModalDataPreprocessor', size_divisor=16))
'''


def save_weights(cfg, path, inputs=None):
    """A checkpoint of random weights, with the statistics of some inputs if there are any."""
    init_default_scope('mmfkd')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    if inputs:  # or one class would be everywhere
        model.train()
        with torch.no_grad():
            for _ in range(20):
                model(inputs, mode='tensor')
        decode_head = model.student.model.decode_head.conv_seg
        decode_head.weight.data -= decode_head.weight.data.mean(1, keepdim=True)
    torch.save(dict(state_dict=model.state_dict()), path)
    return path


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """Folder of a config, a checkpoint and rooms of several sizes on disk."""
    folder = tmp_path_factory.mktemp('images')
    for i, (name, size) in enumerate(SIZES.items()):
        scene = render_scene(i, size)
        for kind, array in (('rgb', scene['rgb'][..., ::-1]), ('label', scene['label']),
                            ('depth', scene['depth'][..., 0].astype(np.uint16))):
            path = folder / 'data' / kind / f'{name}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.ascontiguousarray(array)).save(path)
    for config in ('rgb', 'depth'):
        path = folder / f'{config}.py'
        path.write_text(IMAGES.format(root=ROOT, folder=folder,
                                      config=f'unimodal/synthetic_{config}'))
        array = np.array(Image.open(folder / f'data/{config}/a.png'), np.float32)
        image = torch.from_numpy(np.atleast_3d(array)).permute(2, 0, 1)
        save_weights(load_config(path), folder / f'{config}.pth',
                     {config: torch.stack([image, image.flip(-1)])})
    return folder


@pytest.fixture(scope='module')
def predictor(images):
    return Predictor(images / 'rgb.py', images / 'rgb.pth', device='cpu')


def command(capsys, *arguments):
    """What ``mmfkd predict`` prints."""
    main([str(argument) for argument in arguments])
    return ''.join(capsys.readouterr())


def masks(folder):
    return {path.stem: np.array(Image.open(path)) for path in sorted(folder.rglob('*.png'))}


def test_masks_are_those_of_a_test_bit_for_bit(images):
    run(sys.executable, ROOT / 'tools/test.py', images / 'rgb.py', images / 'rgb.pth',
        '--work-dir', images / 'tested', '--cfg-options', 'test_dataloader.batch_size=1')
    done = run(sys.executable, ROOT / 'tools/predict.py', images / 'rgb.py', '--checkpoint',
               images / 'rgb.pth', '--rgb', images / 'data/rgb', '-o', images / 'out')
    assert f'{len(SIZES)} predicted: {images}/out' in done.stdout
    scored, predicted = masks(images / 'scored'), masks(images / 'out/masks')
    assert list(scored) == list(predicted) and len(scored) == len(SIZES)
    for name, mask in scored.items():
        np.testing.assert_array_equal(mask, predicted[name])
    assert max(len(np.unique(mask)) for mask in scored.values()) > 1
    # Nobody was told what is right.
    assert not (images / 'out/test.json').exists()


def test_files_have_colours_overlays_and_a_table(images, capsys):
    out = images / 'files'
    assert '1 predicted' in command(capsys, images / 'rgb.py', '--checkpoint', images / 'rgb.pth',
                                    f'--rgb={images / "data/rgb/deep/d.png"}', '-o', out)
    mask = Image.open(out / 'masks/d.png')
    assert mask.mode == 'P' and mask.getpalette()[:12] == [9, 0, 0, 0, 9, 0, 0, 0, 9, 9, 9, 0]
    assert Image.open(out / 'overlays/d.png').size == mask.size == (64, 32)
    head, row = (out / 'predictions.csv').read_text().splitlines()
    assert head == 'name,wall,floor,cabinet,bed'
    shares = np.bincount(np.array(mask).ravel(), minlength=4) / mask.width / mask.height
    assert [float(value) for value in row.split(',')[1:]] == pytest.approx(shares, abs=1e-6)
    assert (out / 'classes.csv').read_text().splitlines()[2] == '1,floor,0,9,0'


def test_masks_of_an_earlier_prediction_are_told(images, capsys, tmp_path):
    given = images / 'data/rgb'
    said = [command(capsys, images / 'rgb.py', '--checkpoint', images / 'rgb.pth', '--rgb', path,
                    '-o', tmp_path) for path in (given, given, given / 'deep/d.png')]
    assert not any('of an earlier prediction' in text for text in said[:2])
    # Of a file alone the name has no folder.
    assert f'masks holds {len(SIZES)} more of an earlier prediction, which predictions' in said[2]


def test_paths_arrays_lists_and_folders_give_the_same(images, predictor):
    path = images / 'data/rgb/a.png'
    array = np.array(Image.open(path))[..., ::-1]
    wanted, = predictor(str(path))
    assert isinstance(wanted, Segmentation) and wanted.name == 'a'
    assert wanted.mask.shape == SIZES['a'] and wanted.scores is None
    for given in (path, array, dict(rgb=path), dict(rgb=array), dict(array=array), [path]):
        found, = predictor(given)
        np.testing.assert_array_equal(found.mask, wanted.mask)
    several = predictor([path, array, array, dict(rgb=images / 'data/rgb/b.png')])
    assert [one.name for one in several] == ['a', '000001', '000002', 'b']
    in_folder = predictor(images / 'data/rgb')
    assert [one.name for one in in_folder] == sorted(SIZES)
    assert predictor.classes == ('wall', 'floor', 'cabinet', 'bed')


def test_masks_do_not_depend_on_the_others_of_their_batch(images, predictor):
    inputs = dict(rgb=images / 'data/rgb')
    one, many = ([found.mask for found in predictor(inputs, batch_size=size)] for size in (1, 5))
    assert len({mask.shape for mask in one}) > 1
    for mask, other in zip(one, many, strict=True):
        np.testing.assert_array_equal(mask, other)


def test_scores_are_probabilities_whose_largest_is_the_mask(images, predictor):
    found, = predictor(images / 'data/rgb/b.png', scores=True)
    assert found.scores.shape == (4, *SIZES['b'])
    np.testing.assert_allclose(found.scores.sum(0), 1, atol=1e-5)
    np.testing.assert_array_equal(found.scores.argmax(0), found.mask)
    assert sum(found.shares.values()) == pytest.approx(1)


def test_a_picture_is_the_image_under_the_colours(images, predictor):
    path = images / 'data/rgb/c.png'
    (found,), (picture,) = predictor(path, pictures=True)
    assert picture.shape == (*SIZES['c'], 3) and picture.dtype == np.uint8
    colours = predictor.palette[found.mask]
    np.testing.assert_array_equal(found.picture(1.0), colours)
    # The image was resized on its way.
    assert np.abs(found.picture(0.0).astype(float) - np.array(Image.open(path))).mean() < 12


def test_a_teacher_predicts_as_its_own_run(images, tmp_path):
    config = tmp_path / 'distilled.py'
    config.write_text(IMAGES.format(root=ROOT, folder=images, config='fdkd/synthetic_depth2rgb')
                      + f"model['teachers'] = dict(teacher=dict(config='{images}/depth.py', "
                        f"checkpoint='{images}/depth.pth'))\n")
    path = images / 'data/depth/a.png'
    wanted, = Predictor(images / 'depth.py', images / 'depth.pth', device='cpu')(path)
    teacher = Predictor(config, device='cpu', branch='teacher')
    assert teacher.kinds == dict(depth='image')
    np.testing.assert_array_equal(teacher(path)[0].mask, wanted.mask)
    # What stands beside its config replaces what that says.
    config.write_text(config.read_text().replace(
        "checkpoint='", "norm=dict(mean=[0.0], std=[1.0]), checkpoint='"))
    other = Predictor(config, device='cpu', branch='teacher')
    assert other.model.student.norms['depth'].std.item() == 1
    assert teacher.model.student.norms['depth'].std.item() > 1000
    with pytest.raises(ValueError, match="has no branch 'x': name one of student, teacher"):
        Predictor(config, images / 'rgb.pth', branch='x')
    # A checkpoint that is named is that of the branch.
    with pytest.raises(ValueError, match='rgb.pth'):
        Predictor(config, images / 'rgb.pth', branch='teacher')
    with pytest.raises(ValueError, match='batch_size=0: take 1 or more'):
        teacher(path, batch_size=0)


def test_folders_that_are_linked_are_predicted_too(images, tmp_path, capsys):
    """As data sets read them."""
    given, other = tmp_path / 'given', tmp_path / 'other'
    for folder in (given, other):
        folder.mkdir()
        (folder / 'a.png').write_bytes((images / 'data/rgb/a.png').read_bytes())
    (given / 'linked').symlink_to(other)
    command(capsys, images / 'rgb.py', '--checkpoint', images / 'rgb.pth', '--rgb', given,
            '-o', tmp_path / 'out')
    assert {path.stem for path in (tmp_path / 'out').rglob('linked/*.png')} == {'a'}


def test_files_of_two_modalities_in_one_folder_are_told_apart_by_their_ends(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr('mmfkd.inference.samples.print_log',
                        lambda text, **options: told.append(text))
    for name in ('1_rgb.png', '1_ir.png', '2_rgb.png', '2_ir.png'):
        (tmp_path / name).touch()
    kinds, ends = dict(rgb='image', ir='image'), dict(rgb=('_rgb.png',), ir=('_ir.png', '_ir.tif'))
    found = samples_of(dict(rgb=tmp_path, ir=tmp_path), kinds, ends)
    assert [sample.name for sample in found] == ['1', '2']
    assert found[0].modalities == dict(rgb=dict(path=f'{tmp_path}/1_rgb.png'),
                                       ir=dict(path=f'{tmp_path}/1_ir.png'))
    assert told == [f'{tmp_path}: 2 files do not end in {end}, as {name} does, and are left out'
                    for name, end in (('rgb', '_rgb.png'), ('ir', '_ir.png or _ir.tif'))]
    # Files of other names are taken as they are.
    plain = samples_of(tmp_path, dict(rgb='image'), dict(rgb=('_color.png',)))
    assert [sample.name for sample in plain] == ['1_ir', '1_rgb', '2_ir', '2_rgb']


@pytest.mark.parametrize('kind', ['image', 'clip'])
def test_files_pair_up_however_their_letters_are_written(kind, tmp_path):
    """An umlaut is one character or two: archives from macOS hold the latter."""
    def write(modality, form):
        name = normalize(form, '\u00fc/0.png' if kind == 'clip' else '\u00fc_\u00e4.png')
        path = tmp_path / modality / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    write('a', 'NFC')
    write('b', 'NFD')
    ends = dict.fromkeys('ab', (normalize('NFC', '_\u00e4.png'),))
    kinds = dict.fromkeys('ab', kind)
    inputs = dict(a=tmp_path / 'a', b=tmp_path / 'b')
    found, = samples_of(inputs, kinds, ends)
    assert found.name == normalize('NFC', '\u00fc')
    write('a', 'NFD')
    with pytest.raises(ValueError, match='have the same stem: .* Rename one'):
        samples_of(inputs, kinds, ends)


def test_the_ends_of_files_are_those_of_the_data_set(predictor):
    assert predictor.pipeline.ends == dict(rgb=('.png',))


def test_unreadable_files_are_named_and_skipped_only_on_request(images, tmp_path, capsys,
                                                               monkeypatch):
    given = tmp_path / 'given'
    given.mkdir()
    for name in ('a', 'b'):
        (given / f'{name}.png').write_bytes((images / f'data/rgb/{name}.png').read_bytes())
    (given / 'broken.png').write_bytes((images / 'data/rgb/a.png').read_bytes()[:200])
    (given / 'notes.txt').write_text('not an image')
    arguments = [images / 'rgb.py', '--checkpoint', images / 'rgb.pth', '--rgb', given,
                 '-o', tmp_path / 'out']
    with pytest.raises(SystemExit, match=f'{given}/broken.png cannot be decoded [^<]*$'):
        command(capsys, *arguments)
    told = []
    monkeypatch.setattr('mmfkd.inference.samples.print_log',
                        lambda text, **options: told.append(text))
    assert not (tmp_path / 'out/predictions.csv').exists()
    printed = command(capsys, *arguments, '--skip-unreadable')
    assert '2 predicted, 1 skipped' in printed and 'skipped broken: ' in printed
    assert told == [f'{given}: 1 files are no image and left out: .txt']


# ---------------------------------------------------------------- several modalities


@pytest.fixture(scope='module')
def both(tmp_path_factory):
    """CSK-Net on rendered streets, and the folders of six of them."""
    folder = tmp_path_factory.mktemp('both')
    cfg = load_config('csknet/streets_rgb-ir', teachers=False)
    cfg.test_dataloader.update(num_workers=0, batch_size=2)
    cfg.test_dataloader.dataset.update(num_scenes=6, size=(32, 32))
    save_weights(cfg, folder / 'weights.pth')
    cfg.dump(folder / 'csknet.py')
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    for i in range(6):
        for name, image in dataset[i]['inputs'].items():
            (folder / name).mkdir(exist_ok=True)
            array = image.numpy().transpose(1, 2, 0)[..., ::-1]
            Image.fromarray(np.ascontiguousarray(array)).save(folder / name / f'{i}.png')
    return folder, dataset


def test_files_of_rendered_scenes_predict_as_the_data_set(both):
    folder, dataset = both
    predict = Predictor(folder / 'csknet.py', folder / 'weights.pth', device='cpu')
    found = predict(dict(rgb=folder / 'rgb', ir=folder / 'ir'), batch_size=1)
    assert [one.modalities for one in found] == [('rgb', 'ir')] * 6
    for i, one in enumerate(found):
        data = dataset[i]
        wanted = predict.model.test_step(dict(
            inputs={name: [image] for name, image in data['inputs'].items()},
            data_samples=[data['data_samples']]))[0]
        np.testing.assert_array_equal(one.mask, wanted.pred_sem_seg.data[0].numpy())


def test_a_network_of_two_modalities_takes_either_alone(both):
    folder, _ = both
    predict = Predictor(folder / 'csknet.py', folder / 'weights.pth', device='cpu')
    infrared = Predictor(folder / 'csknet.py', folder / 'weights.pth', ['ir'], device='cpu')
    pair = dict(rgb=folder / 'rgb/1.png', ir=folder / 'ir/1.png')
    alone = dict(ir=folder / 'ir/1.png')
    # Samples with and without a modality are not put into one batch.
    one, two, three = predict([pair, alone, pair])
    assert (one.modalities, two.modalities) == (('rgb', 'ir'), ('ir',))
    np.testing.assert_array_equal(one.mask, three.mask)
    np.testing.assert_array_equal(two.mask, infrared(alone)[0].mask)
    assert infrared.modalities == ('ir',) and not np.array_equal(one.mask, two.mask)
    with pytest.raises(ValueError, match='rgb is given, but the network takes ir'):
        infrared(pair)


# ---------------------------------------------------------------- classification


@pytest.fixture(scope='module')
def clips(tmp_path_factory):
    """Folder of checkpoints of sound and frames, and one rendered clip on disk."""
    folder = tmp_path_factory.mktemp('clips')
    for name in ('audio', 'visual', 'text'):
        cfg = load_config(f'unimodal/synthetic_{name}')
        save_weights(cfg, folder / f'{name}.pth')
    clip = render_clip(5, 3, (48, 48))
    soundfile.write(folder / 'clip.wav', clip['audio'], RATE, subtype='FLOAT')
    (folder / 'frames').mkdir()
    for i, frame in enumerate(clip['visual']):
        Image.fromarray(frame[..., ::-1].copy()).save(folder / f'frames/{i:05d}.png')
    return folder, clip


def classify(folder, name):
    return Predictor(f'unimodal/synthetic_{name}', folder / f'{name}.pth', device='cpu')


def expected(predict, name, value):
    """Scores of the network on what the pipeline of the data set makes of a rendered clip."""
    cfg = load_config(f'unimodal/synthetic_{name}')
    data = DATASETS.build(dict(cfg.test_dataloader.dataset, num_samples=6, size=(48, 48)))
    steps = data.pipeline.transforms[1:]
    results = dict(modalities={name: value}, rates=dict(audio=RATE), sample_idx=0, img_path='')
    for step in steps:
        results = step(results)
    batch = dict(inputs={name: [results['inputs'][name]]}, data_samples=[results['data_samples']])
    with torch.no_grad():
        return predict.model.test_step(batch)[0].pred_score.numpy()


def test_sounds_are_classified_at_any_rate(clips, tmp_path):
    folder, clip = clips
    predict = classify(folder, 'audio')
    assert predict.kinds == dict(audio='sound')
    found, = predict(folder / 'clip.wav')
    assert isinstance(found, Classification) and found.name == 'clip'
    np.testing.assert_allclose(found.scores, expected(predict, 'audio', clip['audio']), atol=1e-6)
    assert found.class_name == predict.classes[found.scores.argmax()]
    assert found.score == pytest.approx(found.scores.max())
    assert found.scores.sum() == pytest.approx(1)
    array, = predict(dict(array=clip['audio'], rate=RATE))
    np.testing.assert_allclose(array.scores, found.scores, atol=1e-6)
    stereo = (np.stack([clip['audio']] * 2, 1) * 32767).astype(np.int16)
    np.testing.assert_allclose(predict(dict(audio=dict(array=stereo, rate=RATE)))[0].scores,
                               found.scores, atol=0.02)
    soundfile.write(tmp_path / 'clip.flac', np.repeat(clip['audio'], 3), 3 * RATE)
    np.testing.assert_allclose(predict(tmp_path)[0].scores, found.scores, atol=0.1)
    assert found.picture().shape[2] == 3


def test_clips_are_folders_of_frames(clips):
    folder, clip = clips
    predict = classify(folder, 'visual')
    wanted = expected(predict, 'visual', clip['visual'])
    for given in (folder / 'frames', dict(visual=np.stack(clip['visual'])), folder):
        found, = predict(given)
        np.testing.assert_allclose(found.scores, wanted, atol=1e-6)


def test_texts_are_strings_or_lines_of_a_file(clips, tmp_path, capsys):
    folder, _ = clips
    predict = classify(folder, 'text')
    texts = ['people displaced after the flood', 'a funny movie']
    (tmp_path / 'lines.txt').write_text('\n'.join(texts) + '\n')
    found = predict(texts)
    np.testing.assert_allclose(found[0].scores, expected(predict, 'text', texts[0]), atol=1e-6)
    assert '2 predicted' in command(capsys, 'unimodal/synthetic_text', '--checkpoint',
                                    folder / 'text.pth', '--text', tmp_path / 'lines.txt',
                                    '-o', tmp_path / 'out')
    head, *rows = (tmp_path / 'out/predictions.csv').read_text().splitlines()
    assert head == ','.join(['name', 'class', 'score', *predict.classes])
    assert [row.split(',')[1] for row in rows] == [one.class_name for one in found]
    assert float(rows[1].split(',')[2]) == pytest.approx(found[1].score, abs=1e-5)


def test_a_plain_teacher_predicts_on_the_files_of_its_student(images, tmp_path):
    student = load_config(images / 'depth.py').model.students.student
    plain = Config(dict(default_scope='mmseg', model=dict(student.model, data_preprocessor=dict(
        type='SegDataPreProcessor', mean=student.norm.mean, std=student.norm.std))))
    plain.dump(tmp_path / 'plain.py')
    weights = torch.load(images / 'depth.pth')['state_dict']
    torch.save(dict(state_dict=branch_weights(weights)), tmp_path / 'plain.pth')
    config = tmp_path / 'distilled.py'
    config.write_text(IMAGES.format(root=ROOT, folder=images, config='fdkd/synthetic_depth2rgb')
                      + f"model['teachers'] = dict(teacher=dict(config='{tmp_path}/plain.py', "
                        f"checkpoint='{tmp_path}/plain.pth', modality='depth'))\n")
    path = images / 'data/depth/b.png'
    wanted, = Predictor(images / 'depth.py', images / 'depth.pth', device='cpu')(path)
    found, = Predictor(config, device='cpu', branch='teacher')(path)
    np.testing.assert_array_equal(found.mask, wanted.mask)


@pytest.mark.parametrize('dtype', [np.uint16, np.float32, np.float64, np.int64])
def test_numbers_of_any_type_are_the_same(images, dtype):
    predict = Predictor(images / 'depth.py', images / 'depth.pth', device='cpu')
    array = np.array(Image.open(images / 'data/depth/a.png')).astype(dtype)
    wanted, = predict(images / 'data/depth/a.png')
    np.testing.assert_array_equal(predict(array)[0].mask, wanted.mask)


# ---------------------------------------------------------------- samples


def test_names_are_never_the_same_twice():
    samples = [Sample(name, {}) for name in ('x', 'x', 'x-2', 'x')]
    assert named(samples) == ['x', 'x-2', 'x-2-2', 'x-3']


def test_what_may_be_read_in_two_ways_is_refused(tmp_path):
    (tmp_path / 'posts.txt').write_text('one\u2028still one\ntwo\n')
    kinds = dict(text='text')
    assert len(samples_of(tmp_path / 'posts.txt', kinds)) == 2
    with pytest.raises(ValueError, match=r'is a file, and a str is a text: give pathlib.Path'):
        samples_of(str(tmp_path / 'posts.txt'), kinds)
    (tmp_path / 'clips/v.2024.01').mkdir(parents=True)
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / 'clips/v.2024.01/0.png')
    kinds = dict(visual='clip')
    found, = samples_of(tmp_path / 'clips/v.2024.01', kinds)
    assert found.name == 'v.2024.01'
    assert [one.name for one in samples_of(tmp_path / 'clips', kinds)] == ['v.2024.01']
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / 'clips/sheet_1.png')
    with pytest.raises(ValueError, match='holds frames, and folders of frames such as v.2024.01'):
        samples_of(tmp_path / 'clips', kinds)


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(('inputs', 'message'), [
    ('missing.png', 'rgb: missing.png does not exist'),
    (dict(depth='x'), r'depth is given, but the network takes rgb: .* --rgb PATH, .*dict\(rgb='),
    ({}, 'nothing is given'),
    ([], 'there is nothing to predict'),
    (3, 'rgb is int, and the network takes an image file'),
    ('{folder}/clip.wav', 'clip.wav is a file of sound, and the network takes an image'),
    ('{folder}/empty', 'holds no image .*, only nothing at all'),
    ('{folder}/list.csv', r'list.csv cannot be decoded \([^<]*\): it is a text or a table. Name'),
    (np.zeros((4, 4, 2), np.uint8), "the array of rgb has 2 channels, but modality 'rgb' says"),
    (np.zeros(5), r'an image of shape \(5,\) and type float64'),
    (np.full((8, 8, 3), np.nan, np.float32), 'holds NaN or infinity'),
    (np.zeros((8, 8), np.uint8), r'channels=3: give an array \(H, W, 3\)')])
def test_wrong_inputs_are_named(inputs, message, predictor, tmp_path):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'list.csv').write_text('image,label\n0.png,car\n')
    soundfile.write(tmp_path / 'clip.wav', np.zeros(100), 8000)
    given = inputs.format(folder=tmp_path) if isinstance(inputs, str) else inputs
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        predictor(given)


@pytest.mark.parametrize(('inputs', 'message'), [
    (dict(rgb='rgb', ir='less'), r'less lacks 1 of 6 files that its partners have: 3\. Files are'),
    (dict(rgb='rgb', ir='ir/0.png'), 'rgb is several samples and ir is one'),
    (dict(rgb='rgb/0.png', ir='other.png'), 'sizes of modalities differ: .* 32x32, .* 16x16'),
    ('rgb', 'the network takes rgb, ir: say which one this is')])
def test_pairs_that_do_not_fit_are_named(inputs, message, both, tmp_path):
    folder, _ = both
    (tmp_path / 'less').mkdir()
    for name in ('rgb', 'ir'):
        (tmp_path / name).symlink_to(folder / name)
    for i in (0, 1, 2, 4, 5):
        (tmp_path / f'less/{i}.png').symlink_to(folder / f'ir/{i}.png')
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(tmp_path / 'other.png')
    predict = Predictor(folder / 'csknet.py', folder / 'weights.pth', device='cpu')
    given = (Path(tmp_path, inputs) if isinstance(inputs, str) else
             {name: tmp_path / path for name, path in inputs.items()})
    with pytest.raises(ValueError, match=message):
        predict(given)


@pytest.mark.parametrize(('arguments', 'message'), [
    (['--rgb'], 'give each modality once, as --NAME PATH'),
    (['--rgb', 'a', '--rgb', 'b'], 'give each modality once'),
    ([], 'name what is to be predicted: --NAME PATH'),
    (None, 'name the work dir, config or export first'),
    (['--rgb', '.'], '--out out lies in the folder of --rgb')])
def test_options_that_are_no_modalities_are_named(arguments, message, capsys):
    with pytest.raises(SystemExit):
        parse_args(['--rgb', 'a', 'x', '-o', 'out'] if arguments is None else
                   ['x', '-o', 'out', *arguments])
    assert message in capsys.readouterr().err


def test_a_wave_without_its_rate_and_a_modality_it_does_not_take(clips):
    predict = classify(clips[0], 'audio')
    with pytest.raises(ValueError, match=r'audio: a wave needs its rate in Hz: dict\(array='):
        predict(dict(array=np.zeros(100)))
    for wave, message in ((np.zeros((1, 16000)), r'shape \(1, 16000\): give \(S, channels\)'),
                          (np.array([20000.0, -300.0]), 'holds 20000: .* divide those of 16 bits'),
                          (np.array([np.inf]), 'NaN or infinite')):
        with pytest.raises(ValueError, match=message):
            predict(dict(array=wave, rate=RATE))
    with pytest.raises(ValueError, match='available: rgb; the network takes audio'):
        Predictor('unimodal/synthetic_audio', clips[0] / 'audio.pth', available=['rgb'])


@pytest.mark.parametrize('change', ['label=dict(folder="nowhere")', 'labels="none"'])
def test_a_test_without_labels_names_the_command_that_predicts(images, tmp_path, change):
    config = tmp_path / 'unlabelled.py'
    config.write_text(IMAGES.format(root=ROOT, folder=images, config='unimodal/synthetic_rgb')
                      .replace("label=dict(folder='label')", change)
                      + f"experiment_name = '{uuid4().hex}'\n")
    with pytest.raises((SystemExit, ValueError), match='mmfkd predict'):
        testing.main([str(config), str(images / 'rgb.pth'), '--work-dir', str(tmp_path / 'run')])
    assert not (tmp_path / 'run/test.json').exists()


def test_what_another_modality_needs_need_not_be_there(tmp_path):
    dataset = dict(type='ListDataset', columns=dict(photo='path', caption='text'), pipeline=[
        dict(type='TokenizeText', modality='caption', tokenizer=str(tmp_path / 'nowhere')),
        dict(type='LoadImage', modality='photo'), dict(type='PackPairs')])
    Image.fromarray(np.full((4, 6, 3), 7, np.uint8)).save(tmp_path / 'a.png')
    reading = Reading(dataset, ['photo'])
    read = reading(Sample('a', dict(photo=dict(path=str(tmp_path / 'a.png')))))
    assert reading.kinds == dict(photo='image') and read['inputs']['photo'].shape == (3, 4, 6)
    with pytest.raises(FileNotFoundError, match='nowhere'):
        Reading(dataset, ['caption'])


@pytest.mark.parametrize(('device', 'message'), [
    ('gpu', "gpu: name 'cpu', 'cuda' or a GPU"), ('cuda:7', 'PyTorch sees . GPUs here')])
def test_a_device_that_is_not_there_is_named(device, message, images):
    with pytest.raises(ValueError, match=message):
        Predictor(images / 'rgb.py', images / 'rgb.pth', device=device)


def test_a_file_is_no_folder_to_write_into(tmp_path, capsys):
    (tmp_path / 'file').write_text('')
    for parse, arguments in ((parse_args, ['run', '--rgb', 'x']),
                             (export.parse_args, ['run', 'best'])):
        with pytest.raises(SystemExit):
            parse([*arguments, '-o', str(tmp_path / 'file')])
        assert 'is a file: name a folder' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        export.parse_args(['run', 'best', '-o', str(tmp_path / 'x'), '--size', '0', '8'])
    assert '--size 0 8: give pixels from 1' in capsys.readouterr().err
