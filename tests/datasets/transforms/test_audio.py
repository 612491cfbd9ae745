"""Sound: reading, length, noise, spectrogram against scipy, cache."""

import pickle
import sys
from io import BytesIO

import av
import numpy as np
import pytest
import soundfile
from scipy import signal

from mmfkd.datasets.transforms import AddNoise, Cached, FitLength, LoadAudio, LogSpectrogram
from mmfkd.datasets.transforms.cached import save
from mmfkd.datasets.transforms.resampling import resampler
from mmfkd.datasets.transforms.sound_files import read_wave
from mmfkd.registry import TRANSFORMS

RATE = 16000


def tone(seconds=0.5, rate=RATE, hertz=440.0, loud=0.4):
    return (loud * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate))


def write(path, wave, rate=RATE, **options):
    soundfile.write(path, wave, rate, **options)
    return str(path)


def load(path, rate=RATE, **spec):
    return LoadAudio(rate=rate)(dict(modalities=dict(audio=dict(path=str(path), **spec))))[
        'modalities']['audio']


def on(transform, wave, **results):
    return transform(dict(modalities=dict(audio=wave), **results))['modalities']['audio']


# Reading.

@pytest.mark.parametrize(('subtype', 'tolerance'), [('PCM_16', 4e-5), ('PCM_24', 2e-7),
                                                    ('FLOAT', 0), ('PCM_U8', 1e-2)])
def test_widths_of_samples(tmp_path, subtype, tolerance):
    wave = tone().astype(np.float32)
    read = load(write(tmp_path / 'a.wav', wave, subtype=subtype))
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, wave, atol=tolerance)


def test_stereo_is_averaged(tmp_path):
    left, right = tone(hertz=300), tone(hertz=500)
    read = load(write(tmp_path / 'a.wav', np.stack([left, right], 1), subtype='FLOAT'))
    np.testing.assert_allclose(read, (left + right) / 2, atol=1e-6)


@pytest.mark.parametrize('rate', [8000, 22050, 44100, 48000])
def test_another_rate_is_resampled(tmp_path, rate):
    read = load(write(tmp_path / 'a.wav', tone(rate=rate), rate, subtype='FLOAT'))
    assert abs(len(read) - RATE // 2) <= 1
    inner = slice(400, -400)
    np.testing.assert_allclose(read[inner], tone()[:len(read)][inner], atol=5e-3)


def test_loud_float_samples_are_clipped(tmp_path):
    read = load(write(tmp_path / 'a.wav', 3 * tone(loud=1), subtype='FLOAT'))
    assert read.max() == 1 and read.min() == -1


def test_a_part_of_a_file_is_read(tmp_path):
    path = write(tmp_path / 'a.wav', np.arange(RATE) / RATE, subtype='FLOAT')
    np.testing.assert_allclose(load(path, start=0.25, end=0.5),
                               np.arange(RATE // 4, RATE // 2) / RATE, atol=1e-6)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='gone.wav does not exist'):
        load(tmp_path / 'gone.wav')


def test_a_wav_without_samples_is_named(tmp_path):
    with pytest.raises(ValueError, match='a.wav holds no sound: .*take it out of the list'):
        load(write(tmp_path / 'a.wav', np.zeros(0)))


def test_a_range_behind_the_end_is_named(tmp_path):
    with pytest.raises(ValueError, match='a.wav holds no sound from 2 to 3 s'):
        load(write(tmp_path / 'a.wav', tone()), start=2, end=3)


@pytest.mark.parametrize('kept', [0.9, 0.3])
def test_a_truncated_wav_is_named(tmp_path, kept):
    path = tmp_path / 'a.wav'
    write(path, tone())
    content = path.read_bytes()
    path.write_bytes(content[:int(kept * len(content))])
    with pytest.raises(ValueError, match='a.wav is truncated: .*Copy it again'):
        load(path)


@pytest.mark.parametrize('size', [b'\0\0\0\0', b'\xff\xff\xff\xff'])
def test_a_stream_that_does_not_know_its_length_is_read(tmp_path, size):
    path = tmp_path / 'a.wav'
    write(path, tone())
    content = path.read_bytes()
    path.write_bytes(content[:4] + size + content[8:])
    assert len(load(path)) == RATE // 2


@pytest.mark.parametrize('content', [b'', b'RIFF', b'no sound at all, but text' * 9])
def test_what_is_no_sound_file_is_named(tmp_path, content):
    (tmp_path / 'a.wav').write_bytes(content)
    with pytest.raises(ValueError, match='a.wav cannot be decoded .*Copy it again'):
        load(tmp_path / 'a.wav')


@pytest.mark.parametrize(('name', 'cure'), [
    ('a.npy', r'an array has no rate. Write it as wav with soundfile.write\(.*rate=rate\)'),
    ('list.txt', 'it is a text or a table. Name a sound file')])
def test_what_seems_no_sound_has_its_own_cure(name, cure, tmp_path):
    np.save(tmp_path / 'a.npy', tone())
    (tmp_path / 'list.txt').write_text('a.wav\n')
    with pytest.raises(ValueError, match=rf'{name} cannot be decoded \(.*\): {cure}'):
        load(tmp_path / name)


def test_samples_that_are_no_numbers_are_named(tmp_path):
    with pytest.raises(ValueError, match='a.wav holds NaN'):
        load(write(tmp_path / 'a.wav', np.array([0.0, np.nan, 0.5]), subtype='FLOAT'))


# Length and noise.

def test_a_short_wave_is_tiled_and_a_long_one_cut():
    wave = np.arange(5, dtype=np.float32)
    assert on(FitLength(12 / 10, rate=10), wave).tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]
    assert on(FitLength(0.3, rate=10), wave).tolist() == [0, 1, 2]


@pytest.mark.parametrize('snr', [-10, 0, 15])
def test_noise_has_the_ratio_to_the_signal(snr):
    wave = tone(4).astype(np.float32)
    noise = on(AddNoise(snr), wave) - wave
    measured = 10 * np.log10(np.square(wave).mean() / np.square(noise).mean())
    assert measured == pytest.approx(snr, abs=0.1)
    spectrum = np.square(np.abs(np.fft.rfft(noise)))[1:]
    halves = spectrum[:len(spectrum) // 2].sum() / spectrum.sum()
    assert halves == pytest.approx(0.5, abs=0.02)


def test_noise_of_evaluation_belongs_to_the_sample_and_that_of_training_does_not():
    wave = tone().astype(np.float32)
    fixed = AddNoise(0, seed=3)
    first, again = (on(fixed, wave, sample_idx=4) for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, on(fixed, wave, sample_idx=5))
    assert not np.array_equal(first, on(AddNoise(0, seed=4), wave, sample_idx=4))
    free = AddNoise(0)
    assert not np.array_equal(on(free, wave), on(free, wave))


def test_silence_stays_silent():
    assert not on(AddNoise(0), np.zeros(100, np.float32)).any()


# Spectrogram.

@pytest.mark.parametrize(('seconds', 'shape'), [(3, (257, 299, 1)), (10, (257, 1004, 1))])
@pytest.mark.parametrize('offset', [0.0, 0.5])
def test_the_spectrogram_is_scipys(seconds, shape, offset):
    rng = np.random.default_rng(0)
    wave = (tone(seconds, hertz=700) + 0.05 * rng.standard_normal(seconds * RATE) + offset)
    wave = wave.astype(np.float32)
    expected = np.log(signal.spectrogram(wave.astype(np.float64), RATE, nperseg=512,
                                         noverlap=353)[2] + 1e-7)
    image = on(LogSpectrogram(rate=RATE), wave)
    assert image.shape == shape and image.dtype == np.float32
    np.testing.assert_allclose(image[..., 0], expected, atol=1e-4)


@pytest.mark.parametrize('wave', [np.zeros(2000), np.full(2000, 0.7), np.eye(1, 2000, 900)[0],
                                  tone(0.125, loud=1e-3), tone(0.125, loud=1.0)])
@pytest.mark.parametrize(('window', 'hop', 'rate'), [(256, 64, 8000), (101, 33, 16000)])
def test_the_spectrogram_is_scipys_for_any_window_and_wave(wave, window, hop, rate):
    wave = wave.astype(np.float32)
    expected = np.log(signal.spectrogram(wave.astype(np.float64), rate, nperseg=window,
                                         noverlap=window - hop)[2] + 1e-7)
    image = on(LogSpectrogram(window=window, hop=hop, rate=rate), wave)
    np.testing.assert_allclose(image[..., 0], expected, atol=1e-4)


def test_a_standardised_spectrogram():
    wave = np.random.default_rng(0).standard_normal(RATE).astype(np.float32) / 9
    plain, standard = (on(LogSpectrogram(rate=RATE, standardize=s), wave) for s in (False, True))
    np.testing.assert_allclose(standard, (plain - plain.mean()) / plain.std(), atol=1e-4)
    silence = np.zeros(RATE, np.float32)
    assert np.isfinite(on(LogSpectrogram(rate=RATE, standardize=True), silence)).all()


def test_a_wave_below_one_window_is_refused():
    with pytest.raises(ValueError, match='500 samples is shorter than the window .*FitLength'):
        on(LogSpectrogram(), np.zeros(500, np.float32))


@pytest.mark.parametrize(('seconds', 'rate'), [(3, 44100), (3, 8000), (0.5, 16000)])
@pytest.mark.parametrize('cached_too', [False, True])
def test_the_rate_travels_with_the_wave(seconds, rate, cached_too, tmp_path):
    path = write(tmp_path / 'a.wav', tone())
    load = [dict(type='LoadAudio', rate=rate)]
    if cached_too:
        load = [dict(type='Cached', transforms=load, folder=str(tmp_path / 'cache'))]
    for _ in range(2):  # the second time from the cache
        results = dict(modalities=dict(audio=dict(path=path)))
        for step in [*load, dict(type='FitLength', seconds=seconds)]:
            results = TRANSFORMS.build(step)(results)
        assert len(results['modalities']['audio']) == seconds * rate
        assert results['rates'] == dict(audio=rate)


@pytest.mark.parametrize('step', [FitLength(1, rate=16000), LogSpectrogram(rate=16000)])
def test_a_step_of_another_rate_names_both(step):
    results = dict(modalities=dict(audio=np.zeros(9000, np.float32)), rates=dict(audio=8000))
    with pytest.raises(ValueError, match='has rate=16000, but .* loaded at 8000 Hz: leave rate'):
        step(results)
    with pytest.raises(ValueError, match='is not known: put LoadAudio before'):
        type(step)(*([1] if isinstance(step, FitLength) else []))(
            dict(modalities=dict(audio=np.zeros(9000, np.float32))))


@pytest.mark.parametrize(('rate', 'target'), [(44101, 8000), (47999, 16000)])
def test_rates_without_a_common_divisor_take_no_memory(rate, target):
    wave = np.sin(2 * np.pi * 440 * np.arange(rate) / rate).astype(np.float32)
    found = resampler(rate, target)(wave)
    expected = np.sin(2 * np.pi * 440 * np.arange(len(found)) / target)
    assert len(found) == target and found.dtype == np.float32
    assert np.array_equal(pickle.loads(pickle.dumps(resampler(rate, target)))(wave), found)
    assert np.abs(found - expected)[200:-200].max() < 0.02


def test_m4a_is_read_by_ffmpeg(tmp_path):
    path = tmp_path / 'a.m4a'
    with av.open(str(path), 'w', format='mp4') as container:
        stream = container.add_stream('aac', rate=16000, layout='stereo')
        wave = np.sin(2 * np.pi * 440 * np.arange(32000) / 16000).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.stack([wave, wave / 2]), 'fltp', 'stereo')
        frame.sample_rate = 16000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    found, rate = read_wave(path)
    assert rate == 16000 and abs(len(found) - 32000) <= 2048
    assert np.abs(found[8000:16000]).max() == pytest.approx(0.75, abs=0.05)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ValueError, match='a.m4a cannot be decoded'):
        read_wave(path)


@pytest.mark.parametrize('transform', [LoadAudio(), AddNoise(0), FitLength(1), LogSpectrogram()])
def test_without_the_modality_nothing_is_done(transform):
    assert transform(dict(modalities=dict(visual=1))) == dict(modalities=dict(visual=1))


# Cache.

STEPS = [dict(type='LoadAudio'), dict(type='FitLength', seconds=1), dict(type='LogSpectrogram')]


def cached(folder, path, steps=STEPS, **spec):
    return Cached(steps, str(folder))(dict(modalities=dict(audio=dict(path=path, **spec))))[
        'modalities']['audio']


def test_the_cache_gives_the_same_and_reads_it_back(tmp_path):
    path = write(tmp_path / 'a.wav', tone())
    fresh = cached(tmp_path / 'cache', path)
    file, = (tmp_path / 'cache').iterdir()
    assert np.array_equal(np.load(file), fresh)
    save(file, fresh + 1)
    assert np.array_equal(cached(tmp_path / 'cache', path), fresh + 1)


@pytest.mark.parametrize('spec', ['a text with array and path', dict(folder='frames'),
                                  dict(path='the array of x', array=np.zeros(3), rate=8000)])
def test_of_what_has_no_file_nothing_is_kept(spec, tmp_path):
    @TRANSFORMS.register_module(force=True)
    class Mark:
        def __call__(self, results):
            return dict(results, modalities=dict(x=[results['modalities']['x']]))

    cache = Cached([dict(type='Mark')], str(tmp_path / 'cache'), 'x')
    results = cache(dict(modalities=dict(x=spec)))
    assert results['modalities']['x'][0] is spec and not (tmp_path / 'cache').exists()


def npz(array):
    buffer = BytesIO()
    np.savez(buffer, array)
    return buffer.getvalue()


def npy(array):
    buffer = BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize('damage', [
    npz, lambda array: npy(array[:, :10]), lambda array: npy(array * np.nan),
    lambda array: npy(array)[:-4], lambda array: b'', lambda array: npy(array.astype('f8')),
    lambda array: npy(array).replace(b"'shape': (", b"'shape': (9999999999, "),
    lambda array: npy(array).replace(b"{'descr'", b"{{(descr'")],
    ids=['npz', 'shape', 'nan', 'cut', 'empty', 'dtype', 'memory', 'header'])
@pytest.mark.parametrize('rest', [False, True])
def test_a_damaged_entry_of_the_cache_is_computed_anew(damage, rest, tmp_path):
    path = write(tmp_path / 'a.wav', tone())
    fresh = cached(tmp_path / 'cache', path)
    file, = (tmp_path / 'cache').iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(fresh) + (whole[-20:] if rest else b''))
    assert np.array_equal(cached(tmp_path / 'cache', path), fresh)
    assert file.read_bytes() == whole


def test_the_cache_follows_content_and_parameters_and_not_the_name(tmp_path):
    folder = tmp_path / 'cache'
    path = write(tmp_path / 'a.wav', tone())
    cached(folder, path)
    cached(folder, write(tmp_path / 'b.wav', tone()))
    assert len(list(folder.iterdir())) == 1
    write(path, tone(hertz=600))
    assert cached(folder, path).shape == (257, 98, 1) and len(list(folder.iterdir())) == 2
    cached(folder, path, start=0.1, end=0.3)
    cached(folder, path, [STEPS[0], dict(STEPS[1], seconds=2), STEPS[2]])
    assert len(list(folder.iterdir())) == 4


@pytest.mark.parametrize('kept', [0, 40, 1000])
def test_a_half_written_cache_file_is_made_again(tmp_path, kept):
    path = write(tmp_path / 'a.wav', tone())
    fresh = cached(tmp_path / 'cache', path)
    file, = (tmp_path / 'cache').iterdir()
    file.write_bytes(file.read_bytes()[:kept])
    assert np.array_equal(cached(tmp_path / 'cache', path), fresh)
    assert np.array_equal(np.load(file), fresh)


def test_without_torchaudio_only_its_users_fail_and_say_which_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'torchaudio', None)
    for needs_it in (LogSpectrogram, lambda: LoadAudio(rate=8000)._resampled(np.zeros(9), 16000)):
        with pytest.raises(ImportError, match=r"pip install 'mmfkd\[audio\]'"):
            needs_it()
    soundfile.write(tmp_path / 'a.wav', np.zeros(16000), 16000)
    results = dict(modalities=dict(audio=dict(path=tmp_path / 'a.wav')))
    assert LoadAudio(rate=16000)(results)['modalities']['audio'].shape == (16000,)


def test_arrays_of_another_version_are_not_taken(tmp_path, monkeypatch):
    path = tmp_path / 'a.wav'
    soundfile.write(path, np.zeros(1600), 16000)

    def kept():
        cached = Cached([dict(type='LoadAudio')], str(tmp_path / 'cache'))
        cached(dict(modalities=dict(audio=dict(path=str(path)))))
        return len(list((tmp_path / 'cache').glob('*.npy')))
    assert [kept(), kept()] == [1, 1]
    monkeypatch.setattr('mmfkd.datasets.transforms.cached.VERSIONS', ('another',))
    assert kept() == 2
