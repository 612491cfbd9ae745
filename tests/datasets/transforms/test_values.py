"""No value of a file is changed without a word: it is taken as it is, or refused with a cure."""

import re
import struct
import sys
from io import BytesIO
from zlib import compress, crc32

import cv2
import numpy as np
import pytest
import soundfile
import tifffile
import torch
from mmcv.transforms import LoadImageFromFile
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mmfkd.datasets import RGBXDataset
from mmfkd.datasets.nyuv2 import NYUv2Dataset
from mmfkd.datasets.transforms.decoding import read_image
from mmfkd.datasets.transforms.images import frame_paths
from mmfkd.datasets.transforms.labels import read_labels
from mmfkd.datasets.transforms.sound_files import read_wave
from mmfkd.registry import TRANSFORMS

PIPELINE = [dict(type='LoadModalities'), dict(type='LoadCheckedAnnotations'),
            dict(type='StackModalities'), dict(type='PackModalities')]
SIXTEEN = np.arange(64, dtype=np.uint16).reshape(8, 8) * 30 + 29000


def dataset(root, label='.png', metainfo=None, **modalities):
    spec = {name: dict(dict(folder=f'{{split}}/{name}', suffix='.png', channels=1), **options)
            for name, options in modalities.items()}
    return RGBXDataset(data_root=str(root), modalities=spec, label=dict(suffix=label),
                       metainfo=metainfo or dict(classes=('a', 'b')), pipeline=PIPELINE)


@pytest.fixture
def write(tmp_path):
    """``write(kind, name, content)``: a file of train; an array is written as the suffix says."""
    def put(kind, name, content, **options):
        path = tmp_path / 'train' / kind / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif path.suffix == '.npy':
            np.save(path, content)
        elif path.suffix == '.npz':
            np.savez(path, **content)
        elif path.suffix == '.tif' and content.ndim == 3:
            tifffile.imwrite(path, content, photometric='minisblack', **options)
        else:
            image = content if isinstance(content, Image.Image) else Image.fromarray(content)
            image.save(path, **options)
        return path
    return put


@pytest.fixture
def label(write):
    """An 8x8 label map of zeros."""
    return write('label', '0.png', np.zeros((8, 8), np.uint8))


# ---------------------------------------------------------------- bits


COLOUR16 = cv2.imencode('.png', np.dstack([SIXTEEN] * 3))[1].tobytes()
GREY = dict(type='LoadImageFromFile', color_type='grayscale', imdecode_backend='pillow')


@pytest.mark.parametrize(('options', 'content'), [
    (dict(channels=3), SIXTEEN), (dict(loader=GREY), SIXTEEN), (dict(channels=3), COLOUR16),
    (dict(channels=3, loader=dict(GREY, color_type='unchanged')), COLOUR16),
    (dict(channels=3, loader=dict(GREY, color_type='color', imdecode_backend='cv2')), COLOUR16)])
def test_sixteen_bits_are_not_cut_to_eight(options, content, write, label, tmp_path):
    write('x', '0.png', content)
    with pytest.raises(ValueError, match=r'x/0\.png has 16 bits a channel.*LoadInfrared'):
        dataset(tmp_path, x=options)[0]


def test_a_tiff_of_sixteen_bit_colours_is_not_cut_either(write, label, tmp_path):
    buffer = BytesIO()
    tifffile.imwrite(buffer, np.dstack([SIXTEEN] * 3), photometric='rgb')
    write('x', '0.tif', buffer.getvalue())
    with pytest.raises(ValueError, match=r'x/0\.tif has 16 bits a channel'):
        dataset(tmp_path, x=dict(channels=3, suffix='.tif'))[0]
    loader = dict(type='LoadArray')
    found = dataset(tmp_path, x=dict(channels=3, suffix='.tif', loader=loader))[0]['inputs']['x']
    assert np.array_equal(found.numpy(), np.stack([SIXTEEN] * 3))


@pytest.mark.parametrize(('shape', 'options'), [
    ((5, 4, 8, 8), dict(photometric='minisblack', planarconfig='separate')),
    ((5, 8, 8, 3), dict(photometric='rgb')), ((2, 3, 8, 8), dict(imagej=True))])
def test_a_tiff_of_four_axes_is_named_with_its_shape(shape, options, write, label, tmp_path):
    buffer = BytesIO()
    tifffile.imwrite(buffer, np.zeros(shape, np.uint16), **options)
    write('x', '0.tif', buffer.getvalue())
    said = rf'x/0\.tif holds an array of shape {re.escape(str(shape))}: an image is .*one image a'
    with pytest.raises(ValueError, match=said):
        dataset(tmp_path, x=dict(suffix='.tif'))[0]
    write('x', '0.tif', np.zeros((8, 8), np.uint8))
    (tmp_path / 'train/label/0.tif').write_bytes(buffer.getvalue())
    with pytest.raises(ValueError, match=rf'label/0\.tif is {re.escape(str(shape))}, its images'):
        dataset(tmp_path, label='.tif', x=dict(suffix='.tif'))[0]


def test_colours_of_a_tiff_are_in_the_order_of_other_images(write, label, tmp_path):
    colour = np.zeros((8, 8, 3), np.uint8) + np.array([200, 0, 10], np.uint8)
    buffer = BytesIO()
    tifffile.imwrite(buffer, colour, photometric='rgb')
    write('x', '0.tif', buffer.getvalue())
    found = dataset(tmp_path, x=dict(channels=3, suffix='.tif'))[0]['inputs']['x']
    assert found[:, 0, 0].tolist() == [10, 0, 200] and found.dtype == torch.uint8


def test_one_channel_keeps_its_own_values(write, label, tmp_path):
    write('x', '0.png', SIXTEEN)
    assert np.array_equal(dataset(tmp_path, x={})[0]['inputs']['x'][0].numpy(), SIXTEEN)


def test_images_of_a_classifier_are_not_cut_either(write):
    path = write('x', '0.png', SIXTEEN)
    with pytest.raises(ValueError, match='has 16 bits a channel'):
        TRANSFORMS.build(dict(type='LoadImage', modality='x'))(
            dict(modalities=dict(x=dict(path=str(path)))))


@pytest.mark.parametrize('mode', ['P', '1'])
def test_places_of_a_palette_and_bits_are_no_grey_values(mode, write, label, tmp_path):
    grey = np.zeros((8, 8), np.uint8)
    grey[:, 4:] = 255
    image = Image.fromarray(grey)
    write('x', '0.png', image.quantize(2) if mode == 'P' else image.convert('1'))
    with pytest.raises(ValueError, match=rf"x/0\.png is of pillow's mode '{mode}'.*'grayscale'"):
        dataset(tmp_path, x={})[0]
    found = dataset(tmp_path, x=dict(loader=GREY))[0]['inputs']['x']
    assert np.array_equal(found[0].numpy(), grey)


# ---------------------------------------------------------------- arrays


BANDS = np.random.default_rng(0).random((8, 8, 5)).astype(np.float32)


@pytest.mark.parametrize(('name', 'content', 'options'), [
    ('0.npy', BANDS, {}), ('0.npy', BANDS.transpose(2, 0, 1), dict(channels_first=True)),
    ('0.npz', dict(any=BANDS), {}), ('0.npz', dict(a=BANDS * 2, b=BANDS), dict(key='b')),
    ('0.tif', BANDS, dict(planarconfig='contig')),
    ('0.tif', BANDS.transpose(2, 0, 1), dict(planarconfig='separate')),
    ('0.tif', BANDS.transpose(2, 0, 1), dict())])  # a page for each channel
def test_five_channels_of_any_file_are_read(name, content, options, write, label, tmp_path):
    tiff = name.endswith('.tif')
    write('x', name, content, **(options if tiff else {}))
    loader = {} if tiff or not options else dict(loader=dict(type='LoadArray', **options))
    found = dataset(tmp_path, x=dict(channels=5, suffix=name[1:], **loader))[0]['inputs']['x']
    assert np.array_equal(found.numpy().transpose(1, 2, 0), BANDS)


@pytest.mark.parametrize(('name', 'content', 'message'), [
    ('0.npz', dict(a=BANDS, b=BANDS), 'holds the arrays a, b: name one with'),
    ('0.npy', BANDS[None], r'shape \(1, 8, 8, 5\)'),
    ('0.npy', BANDS.astype(complex), 'complex128 and no real numbers'),
    ('0.npy', (BANDS * 2**30).astype(np.int64), 'are not exact in float32'),
    ('0.npy', b'\x93NUMPY', 'cannot be decoded'), ('0.tif', b'II*\0', 'cannot be decoded'),
    ('0.npy', np.where(BANDS > 0.5, np.nan, BANDS), 'holds NaN or infinity in'),
    ('0.npy', BANDS[..., :4], 'has 4 channels')])
def test_what_is_no_image_is_refused(name, content, message, write, label, tmp_path):
    write('x', name, content)
    with pytest.raises(ValueError, match=rf'x/{name}.*{message}'):
        dataset(tmp_path, x=dict(channels=5, suffix=name[1:]))[0]


def test_pickles_are_not_read(write, label, tmp_path):
    buffer = BytesIO()
    np.save(buffer, np.array([dict()], dtype=object), allow_pickle=True)
    write('x', '0.npy', buffer.getvalue())
    with pytest.raises(ValueError, match='allow_pickle=False'):
        dataset(tmp_path, x=dict(channels=5, suffix='.npy'))[0]


@pytest.mark.parametrize('loader', [{}, dict(loader=dict(type='LoadInfrared'))])
def test_pages_of_a_tiff_are_not_left_out(loader, write, label, tmp_path):
    pages = np.stack([np.full((8, 8), value, np.uint8) for value in (10, 20, 30)])
    write('x', '0.tif', pages)
    with pytest.raises(ValueError, match=r'x/0\.tif has 3 pages of one size.*mmfkd\.LoadArray'):
        dataset(tmp_path, x=dict(channels=3, suffix='.tif', **loader))[0]
    arrays = dict(loader=dict(type='mmfkd.LoadArray'))
    found = dataset(tmp_path, x=dict(channels=3, suffix='.tif', **arrays))[0]['inputs']['x']
    assert np.array_equal(found.numpy(), pages)


def test_without_tifffile_its_extra_is_named_and_plain_files_are_read(write, label, tmp_path,
                                                                      monkeypatch):
    colour, deep = BytesIO(), BytesIO()
    tifffile.imwrite(colour, np.dstack([np.full((8, 8), value, np.uint8) for value in (1, 2, 3)]),
                     photometric='rgb')
    tifffile.imwrite(deep, SIXTEEN, photometric='minisblack')
    write('w', '0.tif', deep.getvalue())
    write('x', '0.tif', colour.getvalue())
    write('y', '0.tif', np.zeros((8, 8, 5), np.uint8))
    write('z', '0.tif', np.zeros((2, 8, 8), np.uint8))
    monkeypatch.setitem(sys.modules, 'tifffile', None)
    for name, channels in dict(y=5, z=3).items():
        with pytest.raises(ValueError, match=rf"{name}/0\.tif: .* pip install 'mmfkd\[tiff\]'"):
            dataset(tmp_path, **{name: dict(channels=channels, suffix='.tif')})[0]
    found = dataset(tmp_path, x=dict(channels=3, suffix='.tif'))[0]['inputs']['x']
    assert found[:, 0, 0].tolist() == [3, 2, 1]  # blue, green, red
    found = dataset(tmp_path, w=dict(channels=1, suffix='.tif'))[0]['inputs']['w']
    assert np.array_equal(found[0].numpy(), SIXTEEN)


def test_smaller_copies_and_masks_are_no_pages(write, label, tmp_path):
    buffer, colour = BytesIO(), np.full((8, 8, 3), 9, np.uint8)
    with tifffile.TiffWriter(buffer) as file:
        file.write(colour, photometric='rgb')
        file.write(colour[::2, ::2], photometric='rgb', subfiletype=1)
        file.write(colour[..., 0] > 0, photometric='minisblack', subfiletype=4)
    write('x', '0.tif', buffer.getvalue())
    found = dataset(tmp_path, x=dict(channels=3, suffix='.tif'))[0]['inputs']['x']
    assert found.shape == (3, 8, 8) and found.unique().tolist() == [9]


# ---------------------------------------------------------------- range and unit


def test_depth_in_another_unit_is_refused_or_scaled(tmp_path, shared_data):
    for name in ('rgb', 'depth', 'label'):
        (tmp_path / 'train' / name).mkdir(parents=True)
        source = shared_data / f'nyuv2/samples/{name.replace("label", "label40")}_000433.png'
        (tmp_path / 'train' / name / '000433.png').write_bytes(source.read_bytes())
    with pytest.raises(ValueError, match=r'000433\.png holds \d+, but modality .depth. is from 0 '
                                         r'to 10000.*modalities\.depth\.scale'):
        NYUv2Dataset(str(tmp_path), pipeline=PIPELINE)[0]
    scaled = {name: dict(spec) for name, spec in NYUv2Dataset.MODALITIES.items()}
    scaled['depth']['scale'] = 0.2
    depth = NYUv2Dataset(str(tmp_path), modalities=scaled, pipeline=PIPELINE)[0]['inputs']['depth']
    assert 1000 < depth.mean() < 5000


def test_ranges_have_two_ends(write, label, tmp_path):
    write('x', '0.png', SIXTEEN)
    for ends, refused in (((29000, 31000), False), ((29001, 31000), True), ((None, 30000), True),
                          ((29000, None), False)):
        data = dataset(tmp_path, x=dict(range=ends))
        if refused:
            with pytest.raises(ValueError, match='is perhaps in another unit'):
                data[0]
        else:
            assert data[0]['inputs']['x'].min() == 29000


def test_unknown_parts_of_a_modality_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"modalities\.x: \[\] missing, \['chanels'\] unknown"):
        dataset(tmp_path, x=dict(chanels=3))


# ---------------------------------------------------------------- orientation


@pytest.mark.parametrize('turned', ['x', 'label'])
@pytest.mark.parametrize('channels', [1, 3])
def test_an_image_that_is_to_be_turned_is_refused(turned, channels, write, tmp_path):
    image = Image.fromarray(np.zeros((8, 8, 3)[:1 + channels], np.uint8))
    for kind in ('x', 'label'):
        exif = image.getexif()
        exif[0x0112] = 3 if kind == turned else 1
        write(kind, '0.png', image if kind == 'x' else image.convert('L'), exif=exif)
    with pytest.raises(ValueError, match=rf'{turned}/0\.png has EXIF orientation 3'):
        dataset(tmp_path, x=dict(channels=channels))[0]


def chunks(content):
    """Name and bytes of each chunk of a PNG."""
    found, place = [], 8
    while place < len(content):
        end = place + 12 + int.from_bytes(content[place:place + 4], 'big')
        found.append((content[place + 4:place + 8], content[place:end]))
        place = end
    return found


@pytest.mark.parametrize('behind', [False, True])
@pytest.mark.parametrize('kind', ['eXIf', 'tEXt', 'zTXt', 'iTXt', 'none'])
def test_the_orientation_of_a_png_is_found_wherever_it_is(kind, behind, tmp_path):
    image, info, extra = Image.fromarray(np.zeros((8, 8, 3), np.uint8)), PngInfo(), {}
    exif = image.getexif()
    exif[0x0112] = 6
    profile = f'\nexif\n{len(exif.tobytes())}\n{exif.tobytes().hex()}\n'
    if kind == 'eXIf':
        extra['exif'] = exif
    elif kind == 'iTXt':
        info.add_itxt('XML:com.adobe.xmp', '<rdf tiff:Orientation="6"/>')
    else:  # the last name holds nothing that anybody reads
        name = 'Raw profile type exif' if kind != 'none' else 'Raw profile type exiv'
        info.add_text(name, profile, zip=kind == 'zTXt')
    buffer = BytesIO()
    image.save(buffer, 'PNG', pnginfo=info, **extra)
    parts = chunks(buffer.getvalue())
    assert kind == 'none' or kind.encode() in dict(parts)
    if behind:  # of the pixels
        parts.sort(key=lambda part: (part[0] != b'IHDR', part[0] != b'IDAT', part[0] == b'IEND'))
        assert [name for name, _ in parts][1] == b'IDAT'
    path = tmp_path / 'a.png'
    path.write_bytes(buffer.getvalue()[:8] + b''.join(part for _, part in parts))
    if kind == 'none':
        assert read_image(LoadImageFromFile(), str(path), registered=True).shape == (8, 8, 3)
    else:
        with pytest.raises(ValueError, match=r'a\.png has EXIF orientation 6'):
            read_image(LoadImageFromFile(), str(path), registered=True)


def test_a_photograph_of_a_classifier_is_turned(write):
    image = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))
    exif = image.getexif()
    exif[0x0112] = 3
    path = write('x', '0.png', image, exif=exif)
    found = TRANSFORMS.build(dict(type='LoadImage', modality='x'))(
        dict(modalities=dict(x=dict(path=str(path)))))['modalities']['x']
    assert np.array_equal(found[..., ::-1], np.asarray(image)[::-1, ::-1])


# ---------------------------------------------------------------- labels


PARTS = np.kron([[0, 1], [1, 2]], np.ones((4, 4)))  # 2 stands for something else


@pytest.mark.parametrize(('value', 'dtype', 'message'), [
    (np.nan, 'f4', 'holds nan'), (np.inf, 'f4', 'holds inf'), (0.6, 'f4', r'holds 0\.6'),
    (257, 'f4', 'holds label 257'), (-256, 'i4', 'holds label -256'),
    (-9999, 'i4', 'holds label -9999'), (256, 'u2', 'holds label 256'), (2, 'u1', 'holds label 2'),
    (65791, 'i4', 'holds label 65791')])
@pytest.mark.parametrize('suffix', ['.tif', '.npy'])
def test_what_is_no_class_is_refused_with_its_own_value(value, dtype, message, suffix, write,
                                                        tmp_path):
    write('x', '0.png', np.zeros((8, 8), np.uint8))
    write('label', f'0{suffix}', np.where(PARTS == 2, value, PARTS).astype(dtype))
    with pytest.raises(ValueError, match=rf'label/0\{suffix} {message}'):
        dataset(tmp_path, label=suffix, x={})[0]


@pytest.mark.parametrize(('suffix', 'dtype'), [('.png', 'u1'), ('.tif', 'u2'), ('.tif', 'i4'),
                                               ('.tif', 'f4'), ('.npy', 'i8'), ('.npy', 'f8')])
def test_whole_numbers_of_every_width_are_labels(suffix, dtype, write, tmp_path):
    write('x', '0.png', np.zeros((8, 8), np.uint8))
    write('label', f'0{suffix}', np.where(PARTS == 2, 255, PARTS).astype(dtype))
    found = dataset(tmp_path, label=suffix, x={})[0]['data_samples'].gt_sem_seg.data[0]
    assert np.array_equal(found.numpy(), np.where(PARTS == 2, 255, PARTS))


PALETTE = [[10, 20, 30], [128, 0, 0], [0, 128, 0]]


def test_colours_are_classes_by_the_palette_of_the_data_set(write, tmp_path):
    write('x', '0.png', np.zeros((8, 8), np.uint8))
    write('label', '0.png', np.array(PALETTE, np.uint8)[PARTS.astype(int)])
    classes = ('a', 'b', 'c')
    data = dataset(tmp_path, metainfo=dict(classes=classes, palette=PALETTE), x={})
    assert np.array_equal(data[0]['data_samples'].gt_sem_seg.data[0].numpy(), PARTS)
    with pytest.raises(ValueError, match=r'\(0, 128, 0\) is the colour of no class'):
        dataset(tmp_path, metainfo=dict(classes=classes[:2], palette=PALETTE[:2]), x={})[0]
    with pytest.raises(ValueError, match=r'is the colour of no class.*palette='):
        dataset(tmp_path, metainfo=dict(classes=classes), x={})[0]
    write('label', '0.png', np.dstack([PARTS.astype(np.uint8)] * 3))
    with pytest.raises(ValueError, match='has three equal channels: write one, with the class'):
        dataset(tmp_path, metainfo=dict(classes=classes, palette=PALETTE), x={})[0]


def labels_of(root, palette=PALETTE, **options):
    metainfo = dict(classes=('a', 'b', 'c'), **(dict(palette=palette) if palette else {}))
    data = dataset(root, metainfo=metainfo, x={})
    info = {**data.get_data_info(0), **options}
    return data.pipeline(info)['data_samples'].gt_sem_seg.data[0].numpy()


def with_palette(numbers, colours):
    image = Image.fromarray(np.asarray(numbers, np.uint8), 'P')
    image.putpalette(np.asarray(colours, np.uint8).tobytes())
    return image


TURNED = [PALETTE[2], PALETTE[0], PALETTE[1]]  # number i of the file is class (2, 0, 1)[i]


def test_known_colours_of_a_palette_are_classes(write, tmp_path):
    write('x', '0.png', np.zeros((8, 8), np.uint8))
    write('label', '0.png', with_palette(PARTS, TURNED))
    by_colour = np.array([2, 0, 1])[PARTS.astype(int)]
    assert np.array_equal(labels_of(tmp_path), by_colour)
    # What maps numbers is about those of the file.
    numbers = np.array([1, 0, 2])[PARTS.astype(int)]
    assert np.array_equal(labels_of(tmp_path, label_map={0: 1, 1: 0}), numbers)


@pytest.mark.parametrize(('colours', 'palette'), [
    ([*TURNED[:2], [1, 1, 1]], PALETTE), (TURNED, []), ([PALETTE[1]] * 3, PALETTE)])
def test_unknown_colours_of_a_palette_leave_its_numbers(colours, palette, write, tmp_path):
    write('x', '0.png', np.zeros((8, 8), np.uint8))
    write('label', '0.png', with_palette(PARTS, colours))
    assert np.array_equal(labels_of(tmp_path, palette), PARTS)


def test_a_colour_of_two_classes_is_refused(write, tmp_path):
    write('x', '0.png', np.zeros((8, 8), np.uint8))
    twice = [PALETTE[0], PALETTE[0], PALETTE[2]]
    write('label', '0.png', np.array(twice, np.uint8)[PARTS.astype(int)])
    with pytest.raises(ValueError, match=r'0\.png holds colours, .* has 2 for 3 classes'):
        labels_of(tmp_path, twice)
    write('label', '0.png', PARTS.astype(np.uint8))
    assert np.array_equal(labels_of(tmp_path, twice), PARTS)


def grey_png(values, bits):
    """A PNG of grey values of fewer bits than 8, which pillow does not write."""
    def chunk(name, data):
        return struct.pack('>I', len(data)) + name + data + struct.pack('>I', crc32(name + data))
    digits = np.unpackbits(values[..., None], axis=-1)[..., 8 - bits:]
    rows = np.packbits(digits.reshape(len(values), -1), axis=-1)
    head = struct.pack('>IIBBBBB', *values.shape[::-1], bits, 0, 0, 0, 0)
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', compress(
        b''.join(b'\0' + row.tobytes() for row in rows))) + chunk(b'IEND', b''))


@pytest.mark.parametrize('bits', [1, 2, 4])
def test_labels_of_a_few_bits_are_not_stretched(bits, tmp_path):
    values = (np.arange(64, dtype=np.uint8) % 2**bits).reshape(8, 8)
    (tmp_path / 'a.png').write_bytes(grey_png(values, bits))
    assert np.array_equal(read_labels(str(tmp_path / 'a.png'), None), values)


# ---------------------------------------------------------------- sound


def wav(samples, more=0, cut=0):
    data, width = samples.tobytes(), samples.dtype.itemsize
    form = struct.pack('<4sIHHIIHH', b'fmt ', 16, 1, 1, 8000, 8000 * width, width, 8 * width)
    head = struct.pack('<4sI4s', b'RIFF', 36 + len(data) + more, b'WAVE') + form
    return head + struct.pack('<4sI', b'data', len(data)) + data[:len(data) - cut]


TONE = (np.sin(np.arange(8001) / 3) * 9000).astype('<i2')
ODD = (128 + 90 * np.sin(np.arange(8001) / 3)).astype(np.uint8)


@pytest.mark.parametrize(('content', 'samples'), [
    (wav(TONE, more=8), 8001), (wav(ODD, more=1), 8001), (wav(TONE), 8001)])
def test_a_whole_wav_is_read_whatever_size_its_head_states(content, samples, write):
    path = write('audio', 'a.wav', content)
    found = TRANSFORMS.build(dict(type='LoadAudio', rate=8000))(
        dict(modalities=dict(audio=dict(path=str(path)))))
    assert len(found['modalities']['audio']) == samples and found['rates'] == dict(audio=8000)


@pytest.mark.parametrize('cut', [1, 4000, 16001])
def test_a_cut_wav_is_refused(cut, write):
    path = write('audio', 'a.wav', wav(TONE, cut=cut))
    with pytest.raises(ValueError, match=f'is truncated: {cut} bytes of its sound are missing'):
        TRANSFORMS.build(dict(type='LoadAudio'))(
            dict(modalities=dict(audio=dict(path=str(path)))))


def test_a_wav_of_large_numbers_is_refused(tmp_path):
    soundfile.write(tmp_path / 'a.wav', TONE.astype(np.float32), 8000, 'FLOAT')
    with pytest.raises(ValueError, match=r'a\.wav holds \d+: its numbers are to be from -1 to 1'):
        read_wave(tmp_path / 'a.wav')
    soundfile.write(tmp_path / 'a.wav', TONE.astype(np.float32) / 3000, 8000, 'FLOAT')
    assert np.array_equal(read_wave(tmp_path / 'a.wav')[0], TONE.astype(np.float32) / 3000)


# ---------------------------------------------------------------- frames


@pytest.mark.parametrize('names', [
    ('1.jpg', '2.jpg', '10.jpg', '11.jpg'), ('00001.png', '00002.png', '00010.png', '00011.png'),
    ('frame_1.jpg', 'frame_2.png', 'frame_10.jpeg', 'frame_11.JPG')])
def test_frames_are_in_the_order_of_their_numbers(names, tmp_path):
    for name in reversed(names):
        (tmp_path / name).touch()
    (tmp_path / 'notes.txt').touch()
    assert [path.name for path in frame_paths(tmp_path)] == list(names)
    assert [path.name for path in frame_paths(tmp_path, 2, 10)] == list(names[1:3])


@pytest.mark.parametrize('names', [('a.jpg',), ('1.jpg', '01.png')])
def test_frames_without_a_number_of_their_own_are_refused(names, tmp_path):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match='has no number of its own at the end of its name'):
        frame_paths(tmp_path)


def test_a_plain_pipeline_of_mmseg_checks_values_too(write, tmp_path):
    for kind, value in (('depth', 2000), ('label', 1)):
        write(kind, 'a.png', np.full((8, 8), value, np.uint16 if kind == 'depth' else
                                            np.uint8))
    pipeline = [dict(type='LoadModality', modality='depth'), dict(type='LoadCheckedAnnotations'),
                dict(type='mmseg.PackSegInputs')]
    spec = dict(depth=dict(folder='{split}/depth', suffix='.png', channels=1, range=(0, 10000)))
    data = RGBXDataset(data_root=str(tmp_path), modalities=spec, pipeline=pipeline,
                       metainfo=dict(classes=('a', 'b')))
    item = data[0]
    assert item['inputs'].shape == (1, 8, 8) and item['inputs'].max() == 2000
    assert item['data_samples'].gt_sem_seg.data.unique().tolist() == [1]
    write('depth', 'a.png', np.full((8, 8), 30000, np.uint16))
    with pytest.raises(ValueError, match=r'a.png holds 30000, .* another unit'):
        data[0]
    pipeline[0]['modality'] = 'thermal'
    other = RGBXDataset(data_root=str(tmp_path), modalities=spec, pipeline=pipeline,
                        metainfo=dict(classes=('a', 'b')))
    with pytest.raises(KeyError, match="modality 'thermal' is not among"):
        other[0]
