"""Records of a teacher's taps on disk, and what is said of them."""

from types import SimpleNamespace

import pytest
import torch

from mmfkd.caching import TeacherOutputs, one_shape
from mmfkd.caching.units import spelled_bytes

OUTPUTS = 'mmfkd.caching.outputs'
IMAGE = dict(depth=(1, 32, 32))


@pytest.fixture
def opened(tmp_path):
    """``opened(**options)``: outputs of four samples in two views, as a new run opens them."""
    def opened(views=2, **options):
        return TeacherOutputs(tmp_path / 'kept', 4, views, 'float32', **options)

    return opened


@pytest.fixture
def told(monkeypatch):
    """What is logged."""
    messages = []
    monkeypatch.setattr(f'{OUTPUTS}.print_log', lambda message, **how: messages.append(message))
    return messages


@pytest.fixture
def disk(monkeypatch):
    """``disk(free)`` sets the bytes that are free."""
    def disk(free):
        monkeypatch.setattr(f'{OUTPUTS}.shutil.disk_usage', lambda path: SimpleNamespace(free=free))

    return disk


def test_what_is_kept_is_of_inputs_of_one_shape(opened):
    """Also where the tap has one shape for images of any size, and across runs."""
    logits = dict(logits=torch.rand(1, 3))
    first = opened()
    first.store(logits, [(0, 0)], IMAGE)
    for outputs in (first, opened()):
        assert torch.equal(outputs.load(['logits'], [(0, 0)], IMAGE)['logits'], logits['logits'])
        # As in an epoch in which the teacher's modality is not read.
        assert outputs.load(['logits'], [(0, 0)], {}) is not None
        with pytest.raises(ValueError, match=r"'depth' is \(1, 32, 32\) in one .* \(1, 48, 32\)"):
            outputs.store(logits, [(1, 0)], dict(depth=(1, 48, 32)))
        with pytest.raises(ValueError, match=r"'depth' is \(1, 32, 32\) in one .* \(1, 48, 32\)"):
            outputs.load(['logits'], [(0, 0)], dict(depth=(1, 48, 32)))


def test_modalities_may_differ_from_each_other():
    shapes = dict(rgb=(3, 32, 32), text=(40,))
    assert one_shape([shapes, dict(rgb=(3, 32, 32))]) == shapes


def test_a_tap_of_another_shape_is_refused(opened):
    opened().store(dict(feat=torch.rand(1, 8)), [(0, 0)], IMAGE)
    with pytest.raises(ValueError, match=r"tap 'feat' of the teacher is \(4,\) here and \(8,\)"):
        opened().store(dict(feat=torch.rand(1, 4)), [(1, 0)], IMAGE)


def store_all(outputs, shape=(8,)):
    """Keeps ones of a tap 'feat' for all samples of the first view."""
    outputs.store(dict(feat=torch.ones(4, *shape)), [(i, 0) for i in range(4)], IMAGE)


@pytest.mark.parametrize('text', [
    'null', '[1]', '5', '"shape"', '', '{"shape": 5}', '{"shape": [8]}', '\udcff',
    '{"shape": 5, "dtype": "float32", "inputs": {}}',
    '{"shape": ["a"], "dtype": "float32", "inputs": {}}',
    '{"shape": [-1, 8], "dtype": "float32", "inputs": {}}',
    '{"shape": [8], "dtype": "int8", "inputs": {}}',
    '{"shape": [8], "dtype": ["float32"], "inputs": {}}',
    '{"shape": [8], "dtype": "float32", "inputs": [3]}',
    '{"shape": [8], "dtype": "float32", "inputs": {"depth": 3}}'])
def test_a_damaged_description_is_written_anew(text, opened, tmp_path):
    store_all(opened())
    path = tmp_path / 'kept/feat.json'
    whole = path.read_text()
    path.write_text(text, errors='surrogateescape')
    again = opened()
    assert again.load(['feat'], [(0, 0)], IMAGE) is None
    assert again.missing(['feat'], 0) == [0, 1, 2, 3]
    store_all(again)
    assert path.read_text() == whole and opened().missing(['feat'], 0) == []


@pytest.mark.parametrize('name', ['feat.json', 'feat.bin'])
@pytest.mark.parametrize('how', ['folder', 'link to itself'])
def test_what_the_system_does_not_let_be_read_is_named(name, how, opened, tmp_path):
    store_all(opened())
    path = tmp_path / 'kept' / name
    path.unlink()
    if how == 'folder':
        path.mkdir()
    else:
        path.symlink_to(path)
    outputs = opened()
    message = (rf'kept/{name}, of the kept .* cannot be read \([A-Z].*\): take the right .* '
               r'cache\.folder .* leave its cache out')
    for read in (lambda: outputs.load(['feat'], [(0, 0)], IMAGE),
                 lambda: outputs.missing(['feat'], 0), lambda: store_all(outputs)):
        with pytest.raises(OSError, match=message):
            read()


def test_a_file_that_ends_to_be_read_is_named(opened, tmp_path):
    """As of a disk that is damaged, which lets it be opened."""
    store_all(opened())
    path = tmp_path / 'kept/feat.bin'
    path.unlink()
    path.symlink_to('/proc/self/mem')
    with pytest.raises(OSError, match=r'feat\.bin, .* cannot be read \(Input/output error\)'):
        opened().load(['feat'], [(0, 0)], IMAGE)


@pytest.mark.parametrize(('views', 'shape', 'size'), [
    (1, (8,), '0.2 KiB a view, 0.2 KiB for 1 view, in '),
    (3, (512, 256), '2.0 MiB a view, 6.0 MiB for 3 views, in ')])
def test_sizes_are_told_in_a_fitting_unit(views, shape, size, opened, told, disk):
    disk(5 * 2 ** 30)
    store_all(opened(views), shape)
    assert size in told[0] and told[0].endswith('5.0 GiB are free')


@pytest.mark.parametrize(('count', 'text'), [
    (0, '0.0 KiB'), (2 ** 10 - 1, '1.0 KiB'), (2 ** 20, '1.0 MiB'), (1.5 * 2 ** 30, '1.5 GiB'),
    (2 ** 42, '4096.0 GiB')])
def test_bytes_are_spelled(count, text):
    assert spelled_bytes(count) == text


def test_the_limit_is_told_with_the_size(opened):
    with pytest.raises(ValueError, match=r'would take 2\.0 MiB, more than cache\.limit=0\.001: '):
        store_all(opened(4, limit=0.001), (128, 256))


SIZE = 4 * (32 * 1024 * 4 + 8)  # of a view of store_all with shape (32, 1024)


@pytest.mark.parametrize(('free', 'fits'), [(2 * SIZE + 1000, True), (2 * SIZE + 999, False)])
def test_what_is_to_be_written_is_compared_with_what_is_free(free, fits, opened, told, disk):
    disk(free)
    store_all(opened(2, reserve=1000), (32, 1024))
    assert len(told) == (1 if fits else 2)
    if not fits:
        assert all(part in told[1] for part in (
            'kept: 1.0 MiB are still to be written, and 1.0 MiB are free, of which 1.0 KiB are '
            'left for checkpoints', 'cache.views', 'cache.dtype', 'cache.folder'))


def test_what_is_there_is_not_to_be_written_again(opened, told, disk):
    store_all(opened(1), (32, 1024))
    disk(1.2 * SIZE)
    again = opened(2)
    again.store(dict(feat=torch.ones(1, 32, 1024)), [(0, 1)], IMAGE)
    assert not [message for message in told if 'still to be written' in message]


def test_the_reserve_stays_free(opened, told, disk):
    """Where the disk fills after the first write too."""
    disk(10 * SIZE)
    outputs, values = opened(reserve=SIZE), dict(feat=torch.rand(1, 32, 1024))
    outputs.store(values, [(0, 0)], IMAGE)
    disk(1.1 * SIZE)
    kept = outputs.store(values, [(1, 0)], IMAGE)
    assert torch.equal(kept['feat'], values['feat'])
    assert outputs.full and outputs.missing(['feat'], 0) == [1, 2, 3]
    assert 'no longer kept in' in told[-1]
    assert '(563.2 KiB are free, and 512.0 KiB are left for checkpoints)' in told[-1]


def test_a_damaged_record_is_told_once(opened, tmp_path, monkeypatch):
    messages = []
    monkeypatch.setattr('mmfkd.caching.records.print_log',
                        lambda message, **how: messages.append(message))
    store_all(opened())
    path = tmp_path / 'kept/feat.bin'
    content = bytearray(path.read_bytes())
    for record in (1, 2):
        content[record * (len(content) // 4)] ^= 1
    path.write_bytes(content)
    outputs = opened()
    assert outputs.missing(['feat'], 0) == [1, 2] and outputs.missing(['feat'], 1) == [0, 1, 2, 3]
    assert len(messages) == 1 and 'feat.bin is damaged, as in record 1' in messages[0]
    store_all(outputs)
    assert outputs.missing(['feat'], 0) == []
