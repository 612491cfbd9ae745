"""Lists of samples: one reader, for data sets and for mmfkd prepare."""

import pytest
from mmengine.config import Config

from mmfkd.datasets import (
    AVDigitsDataset,
    AVEDataset,
    CREMADDataset,
    CrisisMMDDataset,
    RGBXDataset,
    VGGSoundDataset,
)
from mmfkd.datasets.lists import ListError, ListFormat, below, number, read_names, with_classes
from mmfkd.export.mmpretrain_config import class_names
from mmfkd.export.mmseg_config import dataset_meta

PAIRS = ListFormat(dict(clip=below, label=str))
NAMED = ListFormat(dict(image=below, text=str), '\t', named=True)


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize('content', [
    'a/b,x\nc,y\n', b'\xef\xbb\xbfa/b,x\nc,y\n', 'a/b,x\r\nc,y\r\n', '\na/b,x\n\nc,y'])
def test_marks_ends_of_lines_and_blank_lines_do_not_matter(content, tmp_path):
    assert PAIRS.read(write(tmp_path / 'x.csv', content)) == [
        dict(clip='a/b', label='x'), dict(clip='c', label='y')]


def test_columns_are_found_by_name_in_any_order_and_quotes_are_text(tmp_path):
    path = write(tmp_path / 'x.tsv', b'\xef\xbb\xbfid\ttext\timage\n1\t"so\xe2\x80\xa8it\ta.jpg\n')
    assert NAMED.read(path) == [dict(image='a.jpg', text='"so\u2028it')]


@pytest.mark.parametrize(('form', 'content', 'message'), [
    (PAIRS, '', 'is empty: it names no sample'),
    (PAIRS, 'a,x\nb\n', r"line 2: 'b' has 1 columns instead of the 2 of 'clip,label'"),
    (PAIRS, 'a,x,1\n', 'line 1: .* has 3 columns'),
    (PAIRS, b'a,\xff\n', 'is no text in UTF-8.*save it as UTF-8'),
    (PAIRS, 'a,x\n../../b,x\n', "line 2: .*'../../b' is no path below the folder"),
    (PAIRS, '/etc/passwd,x\n', "'/etc/passwd' is no path below .* written relative to it"),
    (PAIRS, 'C:\\a,x\n', 'is no path below'), (PAIRS, '..\\a,x\n', 'is no path below'),
    (PAIRS, ',x\n', "'' is no path below"),
    (NAMED, 'id\tlabel\n1\tx\n', 'has no column image, text: its first line must name'),
    (NAMED, 'image\ttext\n', 'is empty'),
    (PAIRS, 'a,x\nb,"y\nc,z\n', 'line 2: a value is not quoted as in csv .*each quote in it twice'),
    (PAIRS, 'a,x\nb,"y"z\nc,z\n', 'line 2: a value is not quoted'),
    (PAIRS, 'a,x\nb,"y\nc,z"\nd,x\n', 'line 2: a value goes on in the next line')])
def test_what_cannot_be_used_is_named_with_its_line(form, content, message, tmp_path):
    with pytest.raises(ListError, match=f'x.csv.*{message}|x.csv,? {message}'):
        form.read(write(tmp_path / 'x.csv', content))


@pytest.mark.parametrize(('text', 'value'), [('3', 3), ('-3', -3), ('2.5', 2.5), ('1e2', 100.0)])
def test_numbers_keep_their_kind(text, value):
    assert number(text) == value and type(number(text)) is type(value)


def test_names_are_read_one_a_line(tmp_path):
    assert read_names(write(tmp_path / 'x', b'\xef\xbb\xbfa \n\n b/c\n'), 'stem') == ['a', 'b/c']
    with pytest.raises(ListError, match='x is empty: write one stem a line'):
        read_names(write(tmp_path / 'x', '\n'), 'stem')
    with pytest.raises(ListError, match="'../a' is no path below"):
        read_names(write(tmp_path / 'x', 'b\n../a\n'), 'stem')


@pytest.mark.parametrize(('kind', 'name', 'content'), [
    (CREMADDataset, 'train.csv', '../../X,NEU\n'),
    (AVEDataset, 'trainSet.txt', 'Bark&../X&good&0&3\n'),
    (VGGSoundDataset, 'train_tiny.csv', '../X,3,dog,train\n'),
    (AVDigitsDataset, 'train.csv', 'audio,image,label\n../1_a_1.wav,1.png,1\n'),
    (AVDigitsDataset, 'train.csv', 'audio,image,label\n1_a_1.wav,/1.png,1\n'),
    (CrisisMMDDataset, CrisisMMDDataset.LISTS['train'],
     'image_id\ttweet_text\timage\tlabel\n1\ta\t../x.jpg\tnot_humanitarian\n')])
def test_no_list_leads_out_of_its_data_set(kind, name, content, tmp_path):
    write(tmp_path / name, content)
    with pytest.raises(ListError, match='is no path below the folder of the data set'):
        kind(str(tmp_path))


# Classes.


@pytest.mark.parametrize('kind', [VGGSoundDataset, RGBXDataset])
def test_classes_may_be_the_lines_of_a_file(kind, tmp_path):
    path = write(tmp_path / 'classes.txt', 'dog, barking\r\n\n/m/09x0r\nwind')
    names = ('dog, barking', '/m/09x0r', 'wind')
    options = dict(data_root=str(tmp_path), metainfo=dict(classes=str(path)))
    if kind is RGBXDataset:
        options['modalities'] = dict(x=dict(folder='x', suffix='.png', channels=1))
    data = kind(**options, lazy_init=True)
    assert tuple(data.metainfo['classes']) == names
    dataset = dict(type=kind.__name__, **options)
    cfg = Config(dict(test_dataloader=dict(dataset=dataset), model=dict(students=dict(x=dict()))))
    of_export = dataset_meta(cfg)['classes'] if kind is RGBXDataset else class_names(cfg)
    assert of_export == list(names)


@pytest.mark.parametrize(('classes', 'message'), [
    ('clases.txt', r"classes='clases.txt' is no file: name one .*such as \['clases.txt'\]"),
    ('{folder}/empty.txt', 'empty.txt is empty: write one class a line'),
    ([0, 1, 2], r"classes=\[0, 1, 2\]: classes are texts. Put each in quotes, \['0', '1'\], on"),
    (('a', 1), 'classes are texts'), (3, 'metainfo.classes=3: classes are texts')])
def test_classes_that_are_no_texts_are_refused(classes, message, tmp_path):
    write(tmp_path / 'empty.txt', '\n\n')
    given = classes.format(folder=tmp_path) if isinstance(classes, str) else classes
    for kind in (VGGSoundDataset, CREMADDataset, RGBXDataset):
        with pytest.raises(ValueError, match=message):
            kind(data_root=str(tmp_path), metainfo=dict(classes=given), lazy_init=True,
                 **(dict(modalities=dict(x=dict(folder='x', suffix='.png', channels=1)))
                    if kind is RGBXDataset else {}))


def test_classes_stay_as_they_are_given():
    for metainfo in (None, {}, dict(palette=[[0, 0, 0]]), dict(classes=['0', '1'])):
        assert with_classes(metainfo) is metainfo
