"""tools/export.py on classification students: plain mmpretrain, in a process without mmfkd."""

import os
import re
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
from transformers import ASTConfig, ASTModel

from mmfkd.checkpoints import branch_weights, load_weights
from mmfkd.config import student_config
from mmfkd.export.mmfkd_config import write_student
from mmfkd.export.mmpretrain_config import plain_classifier_config
from mmfkd.export.mmseg_config import dataset_config
from mmfkd.export.references import reference_sizes
from mmfkd.export.student import export_student, verify_export
from mmfkd.inference import Predictor
from mmfkd.inference.opening import exported_config
from mmfkd.models import CrossModalDistiller
from mmfkd.registry import TRANSFORMS

ROOT = Path(__file__).parents[2]
SMALL = dict(backbone=dict(stem_channels=8, base_channels=8), head=dict(in_channels=64))
BERT = dict(pretrained=None, config=dict(
    vocab_size=120, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
    intermediate_size=32, max_position_embeddings=64))
CHANGES = dict(
    cremad_audio=SMALL, vggsound50_visual=SMALL,
    crisismmd_image=dict(backbone=dict(init_cfg=None)),
    crisismmd_text=dict(backbone=BERT, head=dict(in_channels=16)))
SIZES = dict(cremad_audio=(2, 1, 257, 299), vggsound50_visual=(6, 3, 224, 224),
             crisismmd_image=(2, 3, 224, 224), crisismmd_text=(2, 40))

# What a user without mmfkd does; argv: folder of the export, image file, output file.
PLAIN_USER = '''
import sys
sys.modules['mmfkd'] = None
import torch
from mmpretrain import ImageClassificationInferencer, get_model
folder, image, out = sys.argv[1:]
model = get_model(f'{folder}/config.py', pretrained=f'{folder}/weights.pth', device='cpu')
result = ImageClassificationInferencer(model)(image)[0]
torch.save(dict(scores=torch.from_numpy(result['pred_scores']), name=result['pred_class'],
                parameters=sum(p.numel() for p in model.parameters())), out)
'''


def trained(name: str, folder: Path) -> CrossModalDistiller:
    """A work dir with the config of a run and its best checkpoint."""
    cfg = Config.fromfile(ROOT / f'configs/unimodal/{name}.py')
    cfg.merge_from_dict(dict(model=dict(students=dict(student=dict(model=CHANGES[name])))))
    init_default_scope('mmfkd')
    torch.manual_seed(0)
    model = CrossModalDistiller(students=cfg.model.students).eval()
    for key, buffer in model.named_buffers():
        if 'running' in key:
            buffer.uniform_(0.5, 1.5)
    cfg.dump(folder / f'{name}.py')
    torch.save(dict(state_dict=model.state_dict()), folder / 'best_accuracy_top1_epoch_1.pth')
    return model


@pytest.fixture(scope='module')
def exports(tmp_path_factory):
    """name: the distiller and its export."""
    found = {}
    for name in CHANGES:
        folder = tmp_path_factory.mktemp(name)
        model = trained(name, folder)
        export_student(folder, 'best', folder / 'out')
        found[name] = model, folder / 'out'
    return found


@pytest.mark.parametrize('name', CHANGES)
def test_the_export_is_equal_where_it_is_opened(exports, name, capfd):
    assert verify_export(exports[name][1])
    printed = capfd.readouterr().out
    assert re.search(r'parameters: ([\d,]+) of \1', printed), printed
    for opened in ('config.py + weights.pth', 'program.pt2'):
        assert float(re.search(re.escape(opened) + r': largest difference (\S+)', printed)[1]) \
            <= 1e-5


@pytest.mark.parametrize('name', CHANGES)
def test_the_reference_has_the_size_that_the_pipeline_makes(exports, name):
    reference = torch.load(exports[name][1] / 'reference.pt', weights_only=True)
    assert reference['cases'][0]['input'].shape == SIZES[name]
    assert [len(case['logits']) for case in reference['cases']] == [2, 1, 3]


@pytest.mark.parametrize('name', ['cremad_audio', 'vggsound50_visual', 'crisismmd_image'])
def test_files_name_nothing_of_mmfkd(exports, name):
    text = (exports[name][1] / 'config.py').read_text()
    assert not [word for word in ('mmfkd', '_scope_') if word in text]


def test_a_text_student_keeps_its_encoder_with_an_explicit_architecture(exports):
    cfg = Config.fromfile(exports['crisismmd_text'][1] / 'config.py')
    assert cfg.model.backbone == dict(BERT, type='mmfkd.BertEncoder', pad_token=0) or \
        cfg.model.backbone == dict(BERT, type='mmfkd.BertEncoder')


def test_an_image_file_is_classified_by_mmpretrains_inferencer(exports, tmp_path):
    """The file goes through the plain pipeline there, and through ours by hand."""
    model, out = exports['crisismmd_image']
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    path = tmp_path / 'image.png'
    cv2.imwrite(str(path), image)
    env = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
    done = subprocess.run([sys.executable, '-W', 'ignore', '-c', PLAIN_USER, str(out), str(path),
                           str(tmp_path / 'r.pt')], cwd=tmp_path, env=env, capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    result = torch.load(tmp_path / 'r.pt', weights_only=True)
    resized = cv2.resize(image, (224, 224), interpolation=cv2.INTER_LINEAR)
    raw = torch.from_numpy(resized).permute(2, 0, 1)[None]
    with torch.no_grad():
        scores = model(dict(image=raw), mode='tensor').softmax(1)[0]
    torch.testing.assert_close(result['scores'], scores, atol=1e-5, rtol=0)
    assert result['parameters'] == sum(p.numel() for p in model.student.model.parameters())
    classes = ('affected_individuals', 'infrastructure_and_utility_damage', 'not_humanitarian',
               'other_relevant_information', 'rescue_volunteering_or_donation_effort')
    assert result['name'] == classes[scores.argmax()]


def test_another_student_than_the_first_is_exported_by_name(tmp_path):
    init_default_scope('mmfkd')
    torch.manual_seed(0)
    branches = {}
    for name in ('cremad_audio', 'cremad_visual'):
        cfg = Config.fromfile(ROOT / f'configs/unimodal/{name}.py')
        cfg.merge_from_dict(dict(model=dict(students=dict(student=dict(model=SMALL)))))
        branches[name.split('_')[1]] = student_config(cfg)
    cfg.model.students = branches
    cfg.dump(tmp_path / 'both.py')
    model = CrossModalDistiller(students=branches).eval()
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'epoch_1.pth')
    export_student(tmp_path / 'both.py', tmp_path / 'epoch_1.pth', tmp_path / 'out', (64, 64),
                   student='visual')
    exported = load_weights(tmp_path / 'out/weights.pth')
    own = model.students['visual'].model.state_dict()
    assert all(torch.equal(exported[key], own[key]) for key in own)
    assert set(exported) == set(branch_weights(model.state_dict(), 'visual'))
    with pytest.raises(ValueError, match=r"no student 'text': name one of \['audio', 'visual'\]"):
        student_config(cfg, 'text')


def test_the_pipeline_of_a_file_is_that_of_the_modality():
    cfg = Config.fromfile(ROOT / 'configs/unimodal/vggsound50_visual.py')
    plain = plain_classifier_config(cfg, student_config(cfg))
    steps = plain.test_dataloader.dataset.pipeline
    assert [step.type for step in steps] == ['LoadImageFromFile', 'Resize', 'PackInputs']
    assert plain.model.neck == dict(type='GlobalAveragePooling')
    cfg = Config.fromfile(ROOT / 'configs/unimodal/cremad_audio.py')
    plain = plain_classifier_config(cfg, student_config(cfg))
    assert [s.type for s in plain.test_dataloader.dataset.pipeline] == ['PackInputs']


def test_an_encoder_of_transformers_is_exported_with_its_architecture(tmp_path, capfd):
    """AST, which takes one size alone: that is said, and all that is compared has that size."""
    net = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
               num_mel_bins=129, max_length=61)
    ASTModel(ASTConfig(**net)).save_pretrained(tmp_path / 'ast')
    cfg = Config.fromfile(ROOT / 'configs/unimodal/synthetic_audio.py')
    student = cfg.model.students.student
    cfg.model.students.student = dict(modality='audio', norm=student.norm, model=dict(
        _scope_='mmpretrain', type='ImageClassifier',
        backbone=dict(type='mmfkd.HFEncoder', pretrained=str(tmp_path / 'ast'), spectrogram=True),
        head=dict(type='LinearClsHead', num_classes=6, in_channels=16)))
    init_default_scope('mmfkd')
    torch.save(dict(state_dict=CrossModalDistiller(students=cfg.model.students).state_dict()),
               tmp_path / 'ast.pth')
    cfg.dump(tmp_path / 'ast.py')
    export_student(tmp_path / 'ast.py', tmp_path / 'ast.pth', tmp_path / 'out')
    shutil.rmtree(tmp_path / 'ast')
    assert verify_export(tmp_path / 'out')
    printed = capfd.readouterr().out
    assert 'the network takes one size alone, 129x63' in printed
    assert 'program.pt2: largest difference' in printed
    assert Predictor(tmp_path / 'out').kinds == dict(audio='sound')
    text = (tmp_path / 'out/README.md').read_text()
    assert 'torch.zeros(1, 1, 129, 63, dtype=torch.float32)' in text
    assert '(N, 1, 129, 63)' in text and '(N, 1, H, W)' not in text


def test_what_cannot_be_exported_is_said(tmp_path):
    for model, message in (
            (dict(type='TimmClassifier', model_name='resnet10t', num_classes=6),
             "type 'TimmClassifier' has no backbone and head"),
            (dict(type='ImageClassifier', backbone=dict(
                type='mmfkd.HFEncoder', config=dict(model_type='wav2vec2')),
                head=dict(type='LinearClsHead', num_classes=6, in_channels=768)),
             'networks of waves are not exported')):
        cfg = Config.fromfile(ROOT / 'configs/unimodal/synthetic_audio.py')
        cfg.model.students.student = dict(modality='audio', model=dict(
            model, _scope_='mmpretrain'))
        cfg.test_dataloader.dataset.pipeline = [dict(type='RenderAudioVisual'),
                                                dict(type='PackPairs')]
        with pytest.raises(ValueError, match=message):
            spec = student_config(cfg)
            plain_classifier_config(cfg, spec)
            reference_sizes(cfg, spec, None)


def test_the_card_of_an_image_gives_the_size_that_it_is_resized_to(exports):
    text = (exports['crisismmd_image'][1] / 'README.md').read_text()
    assert 'in the order BGR, resized to 224x224 (HxW)' in text
    assert 'resized' not in (exports['cremad_audio'][1] / 'README.md').read_text()


def test_the_card_of_a_text_gives_its_length(exports):
    text = (exports['crisismmd_text'][1] / 'README.md').read_text()
    assert 'torch.zeros(1, 40, dtype=torch.int64)' in text and 'int64 (N, 40)' in text


def test_the_config_reads_texts_and_sounds_as_the_run_does(tmp_path, monkeypatch):
    """Whatever lies beside the vocabulary, joins the test sets or was cached."""
    monkeypatch.chdir(tmp_path)
    words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'House', 'house']
    Path('bert').mkdir()
    Path('bert/vocab.txt').write_text('\n'.join(words))
    Path('bert/tokenizer_config.json').write_text('{"do_lower_case": false}')
    steps = [dict(type='TokenizeText', tokenizer='bert', max_length=4),
             dict(type='Cached', folder='cache', transforms=[dict(type='LoadAudio')]),
             dict(type='PackPairs')]
    one = dict(type='ListDataset', columns=dict(text='text'), pipeline=steps)
    cfg = Config(dict(
        test_dataloader=dict(dataset=dict(type='ConcatDataset', datasets=[one, one])),
        model=dict()))
    write_student(cfg, dict(modality='text', model=dict(type='X')), tmp_path)
    monkeypatch.chdir('/')
    pipeline = dataset_config(exported_config(tmp_path))['pipeline']
    assert [step['type'] for step in pipeline] == ['TokenizeText', 'LoadAudio', 'PackPairs']
    tokens = TRANSFORMS.build(pipeline[0])(dict(modalities=dict(text='House')))
    assert tokens['modalities']['text'].tolist() == [2, 4, 3, 0]


def test_classes_of_a_table_are_those_of_the_checkpoint(tmp_path):
    """The config of such a data set has none: they are read from the table."""
    trained('vggsound50_visual', tmp_path)
    path = tmp_path / 'best_accuracy_top1_epoch_1.pth'
    names = [f'sound {i}' for i in range(50)]
    torch.save(dict(torch.load(path), meta=dict(dataset_meta=dict(classes=names))), path)
    export_student(tmp_path, 'best', tmp_path / 'out')
    plain = Config.fromfile(tmp_path / 'out/config.py')
    assert list(plain.test_dataloader.dataset.metainfo.classes) == names
    assert list(Predictor(tmp_path / 'out').classes) == names
    assert 'sound 49' in (tmp_path / 'out/README.md').read_text()


def test_without_a_test_set_files_are_read_as_for_validation(tmp_path):
    loader = dict(batch_size=3, dataset=dict(type='ListDataset', columns=dict(text='text'),
                                             pipeline=[dict(type='PackPairs')]))
    cfg = Config(dict(model=dict(), test_dataloader=None, val_dataloader=loader))
    write_student(cfg, dict(modality='text', model=dict(type='X')), tmp_path)
    written = exported_config(tmp_path)
    assert dataset_config(written) == loader['dataset']
    assert written.test_dataloader.batch_size == 3
    cfg.val_dataloader = None
    with pytest.raises(ValueError, match=r"Name a config that has it, with dataset\.labels='none'"):
        dataset_config(cfg)
