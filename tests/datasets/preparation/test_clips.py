"""Extraction of frames and sound, on real clips and on small ones written here."""

import multiprocessing
import pickle
import struct
import time

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from mmfkd.datasets.preparation.clips import (
    Clip,
    ClipError,
    extract_audio,
    extract_frames,
    prepare_clips,
)

RATE = 44100
FPS = 10
STEP = 5  # grey levels from one frame to the next


def write_video(path, times=range(25), picture='mpeg4', sound='aac', options=None):
    """Grey frames, the i-th of level STEP * i, at times in 1 / FPS s; with a tone of as long."""
    with av.open(str(path), 'w', options=options or {}) as container:
        if picture:
            pictures = container.add_stream(picture, rate=FPS)
            pictures.width = pictures.height = 32
            pictures.pix_fmt = 'yuv420p'
        if sound:
            sounds = container.add_stream(sound, rate=RATE, layout='stereo')
        for i, at in enumerate(times):
            if picture:
                frame = av.VideoFrame.from_ndarray(
                    np.full((32, 32, 3), STEP * i % 256, np.uint8), format='rgb24')
                frame.pts = at
                container.mux(pictures.encode(frame))
            if sound:
                at = np.arange(i * RATE // FPS, (i + 1) * RATE // FPS)
                tone = (8000 * np.sin(at * 2 * np.pi * 440 / RATE)).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(tone.repeat(2)[None], 's16', 'stereo')
                frame.sample_rate, frame.pts = RATE, int(at[0])
                container.mux(sounds.encode(frame))
        for stream in container.streams:
            container.mux(stream.encode(None))
    return path


def levels(folder):
    """The number of the frame in each file, by its grey level."""
    return [round(np.asarray(Image.open(path)).mean() / STEP) for path in sorted(folder.iterdir())]


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob('*') if path.is_file()}


def snapshot(folder):
    return {path: (path.stat().st_mtime_ns, path.stat().st_ino)
            for path in folder.rglob('*') if path.is_file()}


def clip_of(video, out):
    return Clip(video, out / f'{video.name}.wav', out / video.name)


@pytest.fixture
def video(tmp_path):
    return write_video(tmp_path / 'video.mp4')


@pytest.fixture
def out(tmp_path):
    return tmp_path / 'out'


# What comes out.

@pytest.mark.parametrize('name', ['bbaf2n', 'brbk7n', 'lbax4n'])
def test_frames_of_real_clips(shared_data, out, name):
    video = shared_data / f'video/{name}.mpg'
    extract_frames(video, out)
    with av.open(str(video)) as container:
        frames = [frame.to_ndarray(format='rgb24').astype(int)
                  for frame in container.decode(video=0)]
        seconds = container.duration / 1e6
    assert sorted(content(out)) == [f'{k:05d}.jpg' for k in range(int(np.ceil(seconds)))]
    assert len(frames) == 75 and seconds == 2.98
    for second in range(3):
        image = Image.open(out / f'{second:05d}.jpg')
        assert image.size == (360, 288)
        errors = [np.abs(np.asarray(image) - frame).mean() for frame in frames]
        assert np.argmin(errors) == 25 * second and min(errors) < 2


@pytest.mark.parametrize('name', ['bbaf2n', 'brbk7n', 'lbax4n'])
def test_sound_of_real_clips(shared_data, tmp_path, name):
    video = shared_data / f'video/{name}.mpg'
    extract_audio(video, tmp_path / 'x.wav')
    info = soundfile.info(tmp_path / 'x.wav')
    assert (info.channels, info.samplerate, info.subtype) == (1, 16000, 'PCM_16')
    with av.open(str(video)) as container:
        stereo = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], 1)
        assert info.duration == pytest.approx(container.duration / 1e6, abs=0.05)
    assert info.frames == pytest.approx(stereo.shape[1] * 16000 / RATE, abs=2)
    samples = soundfile.read(tmp_path / 'x.wav')[0]
    original = np.interp(np.arange(len(samples)) / 16000, np.arange(stereo.shape[1]) / RATE,
                         stereo.mean(0) / 2 ** 15)
    assert np.abs(samples).max() > 0.05
    assert np.corrcoef(samples, original)[0, 1] > 0.95
    assert np.linalg.norm(samples) == pytest.approx(np.linalg.norm(original), rel=0.05)


def test_sound_of_the_wanted_rate_is_exact(tmp_path):
    samples = np.random.randint(-2 ** 15, 2 ** 15, 5000).astype(np.int16)
    soundfile.write(tmp_path / 'mono.wav', samples, 16000, 'PCM_16')
    extract_audio(tmp_path / 'mono.wav', tmp_path / 'out.wav')
    np.testing.assert_array_equal(soundfile.read(tmp_path / 'out.wav', dtype='int16')[0], samples)
    extract_audio(tmp_path / 'mono.wav', tmp_path / 'half.wav', rate=8000)
    assert soundfile.info(tmp_path / 'half.wav').samplerate == 8000
    assert soundfile.info(tmp_path / 'half.wav').frames == pytest.approx(2500, abs=20)


def write_sound(path, pieces, pictures_from=0):
    """Pieces of constant samples, ``(begin, end, value)`` in 1 / FPS s, beside black frames."""
    with av.open(str(path), 'w') as container:
        pictures = container.add_stream('mpeg4', rate=FPS)
        pictures.width = pictures.height = 32
        sounds = container.add_stream('pcm_s16le', rate=16000, layout='mono')
        for at in range(pictures_from, 30):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format='rgb24')
            frame.pts = at
            container.mux(pictures.encode(frame))
        for begin, end, value in pieces:
            samples = np.full((1, (end - begin) * 1600), value, np.int16)
            frame = av.AudioFrame.from_ndarray(samples, 's16', 'mono')
            frame.sample_rate, frame.pts = 16000, begin * 1600
            container.mux(sounds.encode(frame))
        for stream in container.streams:
            container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize('pieces, pictures_from, expected', [
    ([(12, 30, 5)], 0, [0] * 12 + [5] * 18),  # begins late
    ([(0, 9, 5), (17, 30, 6)], 0, [5] * 9 + [0] * 8 + [6] * 13),  # pauses
    ([(0, 7, 5), (7, 30, 6)], 7, [6] * 23),  # begins early
    ([(0, 9, 5), (10, 30, 6)], 0, [5] * 9 + [6] * 20)])  # a tenth of a second is left as it is
def test_sound_is_on_the_time_of_the_pictures(tmp_path, pieces, pictures_from, expected):
    extract_audio(write_sound(tmp_path / 'x.mkv', pieces, pictures_from), tmp_path / 'x.wav')
    found = soundfile.read(tmp_path / 'x.wav', dtype='int16')[0]
    np.testing.assert_array_equal(found, np.repeat(expected, 1600))


def test_a_jump_of_sound_does_not_fill_the_disk(tmp_path):
    video = write_sound(tmp_path / 'x.mkv', [(0, 9, 5), (1000, 1010, 6)])
    with pytest.raises(ClipError, match=r'x\.mkv: .*its sound jumps over 99 s'):
        extract_audio(video, tmp_path / 'x.wav')


@pytest.mark.parametrize('fps, expected', [(1, [0, 10, 20]), (2, [0, 5, 10, 15, 20]),
                                           (0.5, [0, 20])])
@pytest.mark.parametrize('name, picture, sound', [('x.mp4', 'mpeg4', 'aac'),
                                                  ('x.flv', 'flv', 'libmp3lame')])
def test_first_frame_of_each_second(tmp_path, out, name, picture, sound, fps, expected):
    extract_frames(write_video(tmp_path / name, picture=picture, sound=sound), out, fps)
    assert levels(out) == expected


def test_time_begins_with_the_stream(tmp_path, out):
    video = write_video(tmp_path / 'late.mkv', range(7, 32), sound=None)
    with av.open(str(video)) as container:
        assert container.streams.video[0].start_time == 700
    extract_frames(video, out)
    assert levels(out) == [0, 10, 20]


def test_pause_is_filled_with_the_frame_after_it(tmp_path, out):
    extract_frames(write_video(tmp_path / 'pause.mkv', [*range(8), 35, 36], sound=None), out)
    assert levels(out) == [0, 8, 8, 8]


@pytest.mark.parametrize('matrix', [(1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)])
def test_frames_are_turned_as_the_file_says(tmp_path, out, matrix):
    with av.open(str(tmp_path / 'x.mp4'), 'w') as container:
        pictures = container.add_stream('mpeg4', rate=FPS)
        pictures.width, pictures.height = 64, 32
        corner = np.zeros((32, 64, 3), np.uint8)
        corner[:16, :32] = 255
        container.mux(pictures.encode(av.VideoFrame.from_ndarray(corner, format='rgb24')))
        container.mux(pictures.encode(None))
    content = bytearray((tmp_path / 'x.mp4').read_bytes())
    place = content.index(b'tkhd') + 44
    a, b, c, d = matrix  # a point (x, y) is shown at (a x + c y, b x + d y)
    content[place:place + 20] = struct.pack('>5i', a << 16, b << 16, 0, c << 16, d << 16)
    (tmp_path / 'x.mp4').write_bytes(content)
    extract_frames(tmp_path / 'x.mp4', out)
    found = np.asarray(Image.open(out / '00000.jpg').convert('L'))
    assert found.shape == ((32, 64) if a else (64, 32))
    x, y = -16 * a - 8 * c, -16 * b - 8 * d  # the middle of the white corner from that of all
    rows, columns = np.nonzero(found > 128)
    middle = np.array(found.shape) / 2
    assert np.abs([columns.mean() - middle[1] - x, rows.mean() - middle[0] - y]).max() < 2


# What cannot be used.

def cut(path, share):
    path.write_bytes(path.read_bytes()[:int(share * path.stat().st_size)])
    return path


def damaged(path):
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle - 2000:middle + 2000] = np.random.default_rng(0).bytes(4000)
    path.write_bytes(data)
    return path


def text(path, data):
    path.write_bytes(data)
    return path


FLV = dict(picture='flv', sound='libmp3lame')
FASTSTART = dict(movflags='faststart')
BROKEN = {
    'missing': (lambda to: to / 'x.mp4', 'there is no such file'),
    'empty': (lambda to: text(to / 'x.mp4', b''), 'cannot be decoded'),
    'web-page': (lambda to: text(to / 'x.mp4', b'<html>404</html>'), 'cannot be decoded'),
    'pointer': (lambda to: text(to / 'x.flv', b'version https://git-lfs.github.com/spec/v1\noid'),
                'git lfs pull'),
    'cut-mp4': (lambda to: cut(write_video(to / 'x.mp4'), 0.5), 'cannot be decoded'),
    'cut-flv': (lambda to: cut(write_video(to / 'x.flv', **FLV), 0.5), 'is cut short'),
    'cut-faststart': (lambda to: cut(write_video(to / 'x.mp4', options=FASTSTART), 0.4),
                      'is cut short'),
    'damaged': (lambda to: damaged(write_video(to / 'x.mp4', range(80))), 'cannot be decoded'),
}


@pytest.mark.parametrize('kind', BROKEN)
def test_broken_videos_are_named(tmp_path, out, kind):
    make, reason = BROKEN[kind]
    video = make(tmp_path)
    messages = []
    for extract, name in ((extract_frames, 'frames'), (extract_audio, 'x.wav')):
        try:
            extract(video, out / name)
        except ClipError as error:
            messages.append(str(error))
    assert messages and all(message.startswith(f'{video}: ') for message in messages)
    assert any(reason in message for message in messages)
    assert 'get it again' in messages[0] or 'git lfs pull' in messages[0]
    assert len(messages) == 2 or kind in ('cut-faststart', 'damaged')
    assert len(list(out.glob('*'))) == 2 - len(messages)


def test_no_sound_and_no_pictures(tmp_path, out):
    silent = write_video(tmp_path / 'silent.flv', picture='flv', sound=None)
    blind = write_video(tmp_path / 'blind.mp4', picture=None)
    with pytest.raises(ClipError, match='silent.flv: it has no audio stream'):
        extract_audio(silent, out / 'x.wav')
    with pytest.raises(ClipError, match='blind.mp4: it has no video stream'):
        extract_frames(blind, out / 'x')
    assert not content(out)
    extract_frames(silent, out / 'x')
    extract_audio(blind, out / 'x.wav')
    assert levels(out / 'x') == [0, 10, 20] and (out / 'x.wav').is_file()


def test_streams_without_content(tmp_path, out):
    with pytest.raises(ClipError, match='empty.wav: it holds no sound samples'):
        extract_audio(write_wav(tmp_path / 'empty.wav', 0), out / 'x.wav')
    with av.open(str(tmp_path / 'empty.mkv'), 'w') as container:
        pictures = container.add_stream('mpeg4', rate=FPS)
        pictures.width = pictures.height = 32
        sounds = container.add_stream('pcm_s16le', rate=16000, layout='mono')
        frame = av.AudioFrame.from_ndarray(np.ones((1, 48000), np.int16), 's16', 'mono')
        frame.sample_rate = 16000
        container.mux(sounds.encode(frame))
    with pytest.raises(ClipError, match='empty.mkv: it holds no frames'):
        extract_frames(tmp_path / 'empty.mkv', out / 'x')
    assert not list(out.iterdir())


def test_jump_of_time_does_not_fill_the_disk(tmp_path, out):
    video = write_video(tmp_path / 'jump.mkv', [*range(8), 10 ** 6], sound=None)
    with pytest.raises(ClipError, match='jump.mkv: its time jumps from 1 to 100000 s'):
        extract_frames(video, out)
    assert not out.exists()


def test_frames_of_others_are_not_touched(video, out):
    out.mkdir()
    (out / 'image_1.jpg').write_bytes(b'mine')
    with pytest.raises(ClipError, match='remove it to have it made again'):
        extract_frames(video, out)
    assert content(out) == {'image_1.jpg': b'mine'}


def test_errors_travel_between_processes():
    error = ClipError('x.mp4', 'it is blue', 'paint it')
    assert str(pickle.loads(pickle.dumps(error))) == 'x.mp4: it is blue; paint it'


# Many clips.

@pytest.fixture
def clips(tmp_path, out):
    """Three that are whole, one of them twice, and two that are not."""
    good = [write_video(tmp_path / f'{i}.mp4', range(12 + 10 * i)) for i in range(3)]
    bad = [cut(write_video(tmp_path / 'cut.flv', **FLV), 0.5), tmp_path / 'gone.mp4']
    return [clip_of(path, out) for path in [good[0], bad[0], good[1], bad[1], good[2], good[0]]]


def test_number_of_workers_changes_nothing(clips, tmp_path, out):
    seen = []

    def progress(items):
        for item in items:
            seen.append(item)
            yield item

    report = prepare_clips(clips, 2, progress)
    assert seen == clips[:5]
    assert (report.made, report.done_before) == (3, 0)
    assert list(report.skipped) == [clips[1].video, clips[3].video]
    assert 'cut short' in report.skipped[clips[1].video]
    out.rename(tmp_path / 'parallel')
    assert prepare_clips(clips, 1) == report
    assert content(out) == content(tmp_path / 'parallel')
    assert sorted(path.name for path in out.iterdir()) == [
        '0.mp4', '0.mp4.wav', '1.mp4', '1.mp4.wav', '2.mp4', '2.mp4.wav']
    assert [levels(out / f'{i}.mp4') for i in range(3)] == [[0, 10], [0, 10, 20], [0, 10, 20, 30]]


def test_whole_results_are_not_made_again(clips, out):
    prepare_clips(clips)
    before = snapshot(out)
    clips[0].video.unlink()
    (out / '1.mp4.wav').unlink()
    report = prepare_clips(clips, 2)
    assert (report.made, report.done_before, len(report.skipped)) == (1, 2, 2)
    after = snapshot(out)
    assert {path for path in before if before[path] != after[path]} == {out / '1.mp4.wav'}


def test_what_a_killed_run_left_is_no_result(video, out):
    clip = clip_of(video, out)
    leftover = out / f'{clip.frames.name}.tmp'
    leftover.mkdir(parents=True)
    for name in ('00000.jpg', '00099.jpg'):
        (leftover / name).write_bytes(b'half')
    (out / f'{clip.wav.name}.tmp').write_bytes(b'half')
    assert not clip.done
    assert prepare_clips([clip]).made == 1
    assert levels(clip.frames) == [0, 10, 20]
    assert {path.name for path in out.iterdir()} == {clip.wav.name, clip.frames.name}


def test_kill_in_the_midst_of_a_clip(tmp_path, out):
    video = write_video(tmp_path / 'long.mp4', range(600), sound=None)
    process = multiprocessing.get_context('fork').Process(
        target=extract_frames, args=(video, out / 'long', FPS))
    process.start()
    started = out / 'long.tmp/00000.jpg'
    while not started.exists():
        assert process.is_alive()
        time.sleep(0.001)
    process.kill()
    process.join()
    assert started.exists() and not (out / 'long').exists()
    extract_frames(video, out / 'long', FPS)
    assert len(content(out)) == 600


def test_sound_of_a_broken_video_does_not_stay(tmp_path, out):
    """It would be taken for the sound of the whole video that takes its place."""
    video = write_video(tmp_path / 'x.mp4', picture=None)
    clip = clip_of(video, out)
    assert 'no video stream' in prepare_clips([clip]).skipped[video]
    assert not clip.wav.exists()
    clip.wav.write_bytes(write_wav(out / 'distributed.wav').read_bytes())
    prepare_clips([clip])
    assert clip.wav.exists()


def write_wav(path, samples=100):
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, np.zeros(samples, np.int16), 16000)
    return path


@pytest.mark.parametrize('make, reason', [
    (lambda path: path.write_bytes(b'RIFF'), 'cannot be decoded'),
    (lambda path: path.write_bytes(b'version https://git-lfs.github.com/spec/v1'), 'git lfs pull'),
    (lambda path: write_wav(path, 0), 'no sound samples; delete it')])
def test_distributed_sound_is_checked(video, out, make, reason):
    clip = clip_of(video, out)
    prepare_clips([clip])
    make(clip.wav)
    report = prepare_clips([clip])
    assert report.done_before == 0
    assert str(clip.wav) in report.skipped[video] and reason in report.skipped[video]
