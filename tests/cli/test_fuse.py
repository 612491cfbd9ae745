"""Fused images through the commands: training on files, fusing, and a segmentor on the result."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from PIL import Image
from runs import ROOT, run

from mmfkd.cli.fuse import main
from mmfkd.config import load_config, write_leaf
from mmfkd.config.fused import fused_folder
from mmfkd.datasets import MSRSDataset
from mmfkd.datasets.synthetic.infrared_layouts import write_msrs_layout
from mmfkd.evaluation.fused_images import stretched
from mmfkd.inference import Predictor
from mmfkd.inference.fusing import pairs_of
from mmfkd.registry import DATASETS

CONFIG = '''
_base_ = ['{folder}/composed.py']
loader = dict(batch_size=2, num_workers=0, dataset=dict(data_root='{folder}/msrs'))
train_dataloader = loader
val_dataloader = loader
test_dataloader = loader
train_cfg = dict(max_epochs=2, val_interval=2)
default_hooks = dict(phase=dict(second=1), checkpoint=dict(interval=2))
model = dict(students=dict(student=dict(model=dict(channels=8, heads=2, blocks=1))))
'''
SEGMENTOR = '''
_base_ = ['{leaf}']
loader = dict(batch_size=2, num_workers=0, dataset=dict(data_root='{folder}/msrs'))
train_dataloader = loader
val_dataloader = loader
test_dataloader = loader
train_cfg = dict(max_epochs=1)
model = dict(students=dict(student=dict(model=dict(
    backbone=dict(model_name='efficientnet_b0', init_cfg=None),
    decode_head=dict(in_channels=320, c1_in_channels=24, channels=16)))))
'''


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Folder with the data set ``msrs`` and the run of a small network on it."""
    folder = tmp_path_factory.mktemp('fuse')
    write_msrs_layout(folder / 'msrs', 20, 4, (32, 64))
    write_leaf('msrs_rgb-ir', 'cddfuse', folder / 'composed.py')
    write_leaf('msrs_rgb-ir', 'fused', folder / 'fused.py')
    (folder / 'small.py').write_text(CONFIG.format(root=ROOT, folder=folder))
    run(sys.executable, ROOT / 'tools/train.py', folder / 'small.py', '--work-dir',
        folder / 'run', cwd=folder)
    return folder


def written(folder, split):
    return sorted((folder / f'msrs/{split}/fused_rgb-ir').glob('*'))


def test_every_pair_is_fused_beside_its_files_and_a_segmentor_learns_from_them(trained):
    done = run(sys.executable, ROOT / 'tools/fuse.py', trained / 'run', '--device', 'cpu',
               cwd=trained)
    assert 'train: 20 fused, 0 were there' in done.stdout
    assert 'test: 4 fused, 0 were there' in done.stdout
    for split, count in (('train', 20), ('test', 4)):
        visible = sorted((trained / f'msrs/{split}/vi').iterdir())
        assert [path.name for path in written(trained, split)] == [path.name for path in visible]
        assert len(visible) == count
    path = written(trained, 'test')[2]
    summary = json.loads((trained / 'run/summary.json').read_text())
    model = Predictor(trained / 'run', device='cpu').model
    pair = {name: np.asarray(Image.open(trained / f'msrs/test/{folder}/{path.name}').convert('RGB'))
            for name, folder in (('rgb', 'vi'), ('ir', 'ir'))}
    tensors = {name: torch.from_numpy(image.copy()).movedim(-1, 0)[None]
               for name, image in pair.items()}
    tensors['rgb'] = tensors['rgb'].flip(1)  # as files are read
    with torch.no_grad():
        fused = model(tensors)[0, 0].numpy()
    image = np.asarray(Image.open(path))
    assert image.shape == (32, 64) and image.min() == 0 and image.max() == 255
    assert np.abs(image - np.round(stretched(fused) * 255)).max() <= 1
    assert {'fused/EN', 'fused/SD', 'fused/SF'} == set(summary['test'])
    (trained / 'segmentor.py').write_text(SEGMENTOR.format(
        leaf=trained / 'fused.py', folder=trained))
    run(sys.executable, ROOT / 'tools/train.py', trained / 'segmentor.py', '--work-dir',
        trained / 'segmentor', cwd=trained)
    scores = json.loads((trained / 'segmentor/summary.json').read_text())['test']
    assert scores['mIoU'] >= 0
    with pytest.raises(SystemExit, match='is a EncoderDecoder, which fuses no images'):
        main([str(trained / 'segmentor')])


def test_a_killed_run_goes_on_and_other_weights_begin_anew(trained, tmp_path, capsys):
    out = tmp_path / 'out'
    arguments = [str(trained / 'run'), '-o', str(out), '--splits', 'train', '--device', 'cpu']
    process = subprocess.Popen([sys.executable, '-m', 'mmfkd', 'fuse', *arguments], cwd=trained,
                               env={**os.environ, 'PYTHONPATH': str(ROOT)},
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(out.glob('train/fused_rgb-ir/*.png')) and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = {path: path.stat().st_mtime_ns for path in out.glob('train/fused_rgb-ir/*.png')}
    assert there
    for path in there:
        Image.open(path).load()
    main(arguments)
    assert f'{20 - len(there)} fused, {len(there)} were there' in capsys.readouterr().out
    assert all(path.stat().st_mtime_ns == then for path, then in there.items())
    assert len(list(out.glob('train/fused_rgb-ir/*.png'))) == 20
    checkpoint = torch.load(trained / 'run/epoch_2.pth', weights_only=False)
    checkpoint['state_dict']['students.student.model.decoder.layers.0.weight'] *= 1.5
    torch.save(checkpoint, tmp_path / 'other.pth')
    main([*arguments, '--checkpoint', str(tmp_path / 'other.pth')])
    assert '20 fused, 0 were there' in capsys.readouterr().out
    changed = next(path for path in trained.rglob('train/ir/*.png'))
    changed.write_bytes(changed.read_bytes())
    main([*arguments, '--checkpoint', str(tmp_path / 'other.pth')])
    assert '1 fused, 19 were there' in capsys.readouterr().out


def test_what_cannot_be_fused_is_named(trained, tmp_path):
    with pytest.raises(SystemExit, match='does not exist'):
        main([str(tmp_path / 'nowhere')])
    broken = tmp_path / 'msrs'
    shutil.copytree(trained / 'msrs', broken)
    gone, = (path for path in sorted((broken / 'test/ir').iterdir())[:1])
    gone.unlink()
    write_leaf('msrs_rgb-ir', 'cddfuse', tmp_path / 'composed.py')
    config = tmp_path / 'broken.py'
    config.write_text(CONFIG.format(root=ROOT, folder=tmp_path))
    arguments = [str(config), '--checkpoint', str(trained / 'run/epoch_2.pth'), '--splits', 'test']
    with pytest.raises(SystemExit, match=rf'1 of 4 files of "ir" are missing: {gone.stem}.png'):
        main(arguments)


def test_fused_images_that_are_missing_are_to_be_written_first(trained, tmp_path):
    segmentor = tmp_path / 'segmentor.py'
    segmentor.write_text(SEGMENTOR.format(leaf=trained / 'fused.py', folder=tmp_path))
    write_msrs_layout(tmp_path / 'msrs', 20, 4, (32, 64))
    done = run(sys.executable, ROOT / 'tools/train.py', segmentor, '--work-dir', tmp_path / 'run',
               cwd=tmp_path, check=False)
    assert done.returncode and 'Fused images are written by mmfkd fuse' in done.stderr


def test_images_are_of_the_size_of_the_files_whatever_the_network_sees(trained, tmp_path):
    config = tmp_path / 'smaller.py'
    config.write_text(CONFIG.format(root=ROOT, folder=trained) + '''
pipeline = [dict(type='LoadModalities'), dict(type='LoadCheckedAnnotations'),
            dict(type='StackModalities'), dict(type='mmseg.Resize', scale=(32, 16)),
            dict(type='PackModalities')]
test_dataloader = dict(loader, dataset=dict(loader['dataset'], pipeline=pipeline))
''')
    main([str(config), '--checkpoint', str(trained / 'run/epoch_2.pth'), '--splits', 'test', '-o',
          str(tmp_path / 'out'), '--device', 'cpu'])
    images = sorted((tmp_path / 'out/test/fused_rgb-ir').iterdir())
    assert [Image.open(path).size for path in images] == [(64, 32)] * 4


def test_of_a_data_set_of_more_modalities_the_two_of_the_network_are_fused(trained, tmp_path):
    config = tmp_path / 'more.py'
    config.write_text(CONFIG.format(root=ROOT, folder=trained) + """
folders = {name: dict(folder='{split}/' + folder, suffix='.png', channels=3,
                      loader=dict(type='LoadImageFromFile'))
           for name, folder in dict(rgb='vi', ir='ir').items()}
test_dataloader = dict(loader, dataset=dict(
    loader['dataset'], modalities=dict(third=folders['rgb'], **folders)))
""")
    main([str(config), '--checkpoint', str(trained / 'run/epoch_2.pth'), '--splits', 'test', '-o',
          str(tmp_path / 'out'), '--device', 'cpu'])
    assert len(list((tmp_path / 'out/test/fused_rgb-ir').glob('*.png'))) == 4


def test_predict_names_the_command_that_fuses(trained):
    predict = Predictor(trained / 'small.py', trained / 'run/epoch_2.pth', device='cpu')
    pair = {name: next((trained / 'msrs/test' / folder).iterdir())
            for name, folder in dict(rgb='vi', ir='ir').items()}
    with pytest.raises(ValueError, match='the network fuses images .*: mmfkd fuse writes them'):
        predict(pair)


FOLDERS = CONFIG + '''
modalities = {{name: dict(folder=folder, suffix='.png', channels=3)
               for name, folder in dict(rgb='{rgb}', ir='{ir}').items()}}
own = dict(type='{kind}', data_root='{data}', modalities=modalities,
           label=dict(folder='{label}', suffix='.png'))
train_dataloader = dict(loader, dataset=own)
val_dataloader = train_dataloader
test_dataloader = train_dataloader
'''


def layout(root, source, *splits, folders):
    """The test images of the data set under the same names in each split."""
    for split in splits:
        for kind, folder in folders.items():
            shutil.copytree(source / 'test' / kind, root / folder.replace('{split}', split))


@pytest.mark.parametrize('folder, kind', [
    ('{name}/{split}', 'MSRSDataset'), ('{name}/{case}/{split}', 'DELIVERDataset'),
    ('{split}/*/{name}', 'MSRSDataset'), ('{split}', 'MSRSDataset')])
def test_no_image_of_a_split_or_case_is_written_over_another(trained, tmp_path, capsys, folder,
                                                             kind):
    """Where the last part of the folder is the split, all splits once had one folder."""
    names = dict(rgb='vi', ir='ir', label='Segmentation_labels')
    folders = {name: folder.replace('{name}', old) for name, old in names.items()}
    if '{name}' not in folder:
        folders = dict(folders, ir='ir/{split}', label='label/{split}')
    for part in ('cloud', 'fog') if '{case}' in folder else ('one',):
        layout(tmp_path / 'data', trained / 'msrs', 'train', 'test', folders={
            names[name]: path.replace('{case}', part).replace('*', part)
            for name, path in folders.items()})
    config = tmp_path / 'own.py'
    config.write_text(FOLDERS.format(folder=trained, data=tmp_path / 'data', kind=kind, **folders))
    before = set((tmp_path / 'data').rglob('*.png'))
    for out in ([], ['-o', str(tmp_path / 'out')]):
        main([str(config), '--checkpoint', str(trained / 'run/epoch_2.pth'), '--device', 'cpu',
              '--splits', 'train', 'test', *out])
    count = 8 if '{case}' in folder else 4
    assert capsys.readouterr().out.count(f'{count} fused, 0 were there') == 4
    beside = set((tmp_path / 'data').rglob('*.png')) - before
    assert len(beside) == 2 * count
    found = fused_folder(folders['rgb'], ['rgb', 'ir'])
    assert {path.relative_to(tmp_path / 'data') for path in beside} == {
        path.relative_to(tmp_path / 'out') for path in (tmp_path / 'out').rglob('*.png')}
    for split in ('train', 'test'):
        pattern = found.replace('{split}', split).replace('{case}', '*')
        assert len(list((tmp_path / 'data').glob(f'{pattern}/*.png'))) == count


@pytest.mark.parametrize('place', ['{absolute}/{{split}}/vi', '../msrs/{{split}}/vi'])
def test_another_folder_stands_for_that_of_the_data_alone(trained, tmp_path, place):
    config = tmp_path / 'own.py'
    rgb = place.format(absolute=trained / 'msrs')
    config.write_text(FOLDERS.format(folder=trained, data=trained / 'msrs', kind='MSRSDataset',
                                     rgb=rgb, ir='{split}/ir', label='{split}/Segmentation_labels'))
    with pytest.raises(SystemExit, match=r'modalities\.rgb\.folder=.* is not below data_root: -o'):
        main([str(config), '--checkpoint', str(trained / 'run/epoch_2.pth'), '--device', 'cpu',
              '--splits', 'test', '-o', str(tmp_path / 'out')])
    assert not (tmp_path / 'out').exists()


@DATASETS.register_module()
class ElsewhereDataset(MSRSDataset):
    """A data set whose files do not lie where ``folder`` says."""

    def find_files(self, folder):
        return super().find_files(folder.replace('visible', 'vi'))


def test_files_beside_the_folder_of_their_modality_are_refused(trained, tmp_path):
    config = tmp_path / 'own.py'
    config.write_text(FOLDERS.format(
        folder=trained, data=trained / 'msrs', kind='ElsewhereDataset', rgb='{split}/visible',
        ir='{split}/ir', label='{split}/Segmentation_labels'))
    with pytest.raises(SystemExit, match=r'does not lie in modalities\.rgb\.folder='):
        main([str(config), '--checkpoint', str(trained / 'run/epoch_2.pth'), '--device', 'cpu',
              '--splits', 'test'])


def test_what_is_rendered_or_wrapped_has_no_folders_of_images(trained):
    streets = load_config('cddfuse/streets_rgb-ir')
    with pytest.raises(ValueError, match=r'train_dataloader\.dataset is a SyntheticEOIR without'):
        pairs_of(streets, 'train', ['rgb', 'ir'], None)
    wrapped = load_config(trained / 'small.py')
    wrapped.test_dataloader.dataset = dict(type='RepeatDataset', times=2,
                                           dataset=wrapped.test_dataloader.dataset)
    with pytest.raises(ValueError, match='is a RepeatDataset, which holds other data sets'):
        pairs_of(wrapped, 'test', ['rgb', 'ir'], None)
